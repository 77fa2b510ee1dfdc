// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "lamella/report/plot_internal.h"

namespace lamella::report {

namespace {

constexpr double kWidth = 360, kHeight = 300;
constexpr double kLeft = 52, kRight = 12, kTop = 10, kBottom = 44;

double scaled(const Axis& axis, double value) {
  if (axis.logarithmic) {
    return (std::log(value) - std::log(axis.low)) / (std::log(axis.high) - std::log(axis.low));
  }
  return (value - axis.low) / (axis.high - axis.low);
}

bool can_show(const Axis& axis, double value) {
  return std::isfinite(value) && (!axis.logarithmic || value > 0);
}

double x_of(const Plot& plot, double value) {
  return kLeft + scaled(plot.x, value) * (kWidth - kLeft - kRight);
}
// Held within the picture: a curve may leave the range that is of interest.
double y_of(const Plot& plot, double value) {
  const double part = std::clamp(scaled(plot.y, value), -0.01, 1.01);
  return kHeight - kBottom - part * (kHeight - kTop - kBottom);
}

// Tenths of a pixel are enough for any screen, and keep the page small.
std::string at(double value) {
  std::string text = fmt::format("{:.1f}", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

std::string tick_text(const Axis& axis, double value) {
  const double shown = axis.mirrored ? std::abs(value) : value;
  if (axis.logarithmic) return fmt::format("{:g}", shown);
  std::string text = fmt::format("{:.4f}", shown);
  text.resize(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  if (text == "-0") text = "0";
  return text[0] == '-' ? fmt::format("−{}", text.substr(1)) : text;
}

std::vector<PointF> shown_points(const Plot& plot, const Series& series) {
  std::vector<PointF> points;
  for (const PointF& point : series.points) {
    if (can_show(plot.x, point.x) && can_show(plot.y, point.y)) points.push_back(point);
  }
  return points;
}

Html axes(const Plot& plot) {
  Html marks;
  const double bottom = kHeight - kBottom;
  if (plot.bare) return marks;
  for (const double value : ticks_of(plot.x, 5)) {
    const std::string x = at(x_of(plot, value));
    marks += html("<path class=\"grid\" d=\"M{} {}V{}\"/>", x, kTop, bottom);
    marks += html("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>", x, bottom + 16,
                  tick_text(plot.x, value));
  }
  for (const double value : ticks_of(plot.y, 5)) {
    const std::string y = at(y_of(plot, value));
    marks += html("<path class=\"grid\" d=\"M{} {}H{}\"/>", kLeft, y, kWidth - kRight);
    marks += html("<text x=\"{}\" y=\"{}\" dy=\".32em\" text-anchor=\"end\">{}</text>", kLeft - 7,
                  y, tick_text(plot.y, value));
  }
  marks += html("<path class=\"axis\" d=\"M{} {}V{}H{}\"/>", kLeft, kTop, bottom, kWidth - kRight);
  marks += html("<text class=\"name\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                (kLeft + kWidth - kRight) / 2, kHeight - 8, plot.x.title);
  const double middle = (kTop + bottom) / 2;
  marks += html(
      "<text class=\"name\" x=\"13\" y=\"{}\" text-anchor=\"middle\" "
      "transform=\"rotate(-90 13 {})\">{}</text>",
      middle, middle, plot.y.title);
  return marks;
}

Html reference(const Plot& plot) {
  switch (plot.reference) {
    case Reference::kNone:
      return {};
    case Reference::kDiagonal:
      return html("<path class=\"ref\" d=\"M{} {}L{} {}\"/>", at(x_of(plot, plot.x.low)),
                  at(y_of(plot, plot.x.low)), at(x_of(plot, plot.x.high)),
                  at(y_of(plot, plot.x.high)));
    case Reference::kLevel:
      return html("<path class=\"ref\" d=\"M{} {}H{}\"/>", kLeft, at(y_of(plot, plot.reference_at)),
                  kWidth - kRight);
    case Reference::kVertical:
      return html("<path class=\"ref\" d=\"M{} {}V{}\"/>", at(x_of(plot, plot.reference_at)), kTop,
                  kHeight - kBottom);
  }
  return {};
}

Html line(const Plot& plot, const Series& series, const std::vector<PointF>& points) {
  std::string path;
  for (const PointF& point : points) {
    const std::string x = at(x_of(plot, point.x)), y = at(y_of(plot, point.y));
    if (path.empty()) {
      path = "M" + x + " " + y;
    } else if (series.kind == Series::Kind::kSteps) {
      path += "H" + x + "V" + y;
    } else {
      path += "L" + x + " " + y;
    }
  }
  return html("<path class=\"line c{}{}\" d=\"{}\"/>", series.colour % 8,
              series.faint ? " faint" : "", path);
}

Html marks(const Plot& plot, const Series& series, const std::vector<PointF>& points) {
  Html result;
  for (const PointF& point : points) {
    result += html(
        "<circle class=\"mark c{}\" cx=\"{}\" cy=\"{}\" r=\"3.4\"><title>{}, {}</title></circle>",
        series.colour % 8, at(x_of(plot, point.x)), at(y_of(plot, point.y)),
        fixed(point.x, plot.x.decimals), fixed(point.y, plot.y.decimals));
  }
  return result;
}

Html bars(const Plot& plot, const Series& series, const std::vector<PointF>& points) {
  Html result;
  for (const PointF& point : points) {
    const double left = x_of(plot, point.x - series.bar_width / 2) + 0.5;
    const double right = x_of(plot, point.x + series.bar_width / 2) - 0.5;
    const double zero = y_of(plot, 0), end = y_of(plot, point.y);
    result += html(
        "<rect class=\"bar c{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}: "
        "{}</title></rect>",
        series.colour % 8, at(left), at(std::min(zero, end)), at(right - left),
        at(std::abs(zero - end)), series.name, fixed(std::abs(point.y), plot.y.decimals));
  }
  return result;
}

std::string style_of(const Series& series) {
  if (!series.style.empty()) return series.style;
  const bool rest = series.faint && series.kind == Series::Kind::kDots;
  return rest ? "rest" : fmt::format("c{}", series.colour % 8);
}

// One path for all: a stroke of no length with round ends is a dot.
Html dots(const Plot& plot, const Series& series, const std::vector<PointF>& points) {
  std::string path;
  for (const PointF& point : points) {
    path += "M" + at(x_of(plot, point.x)) + " " + at(y_of(plot, point.y)) + "h0";
  }
  return html("<path class=\"dots {}\" d=\"{}\"/>", style_of(series), path);
}

Html shape(const Plot& plot, const Series& series) {
  const std::vector<PointF> points = shown_points(plot, series);
  if (points.empty()) return {};
  switch (series.kind) {
    case Series::Kind::kBars:
      return bars(plot, series, points);
    case Series::Kind::kDots:
      return dots(plot, series, points);
    case Series::Kind::kMarks: {
      Html result = line(plot, series, points);
      result += marks(plot, series, points);
      return result;
    }
    case Series::Kind::kLine:
    case Series::Kind::kSteps:
      break;
  }
  return line(plot, series, points);
}

Html legend(const Plot& plot) {
  Html items;
  for (const Series& series : plot.series) {
    if (series.unnamed || series.points.empty()) continue;
    const char* key = series.kind == Series::Kind::kBars
                          ? "<rect class=\"bar {}\" x=\"4\" y=\"0\" width=\"18\" height=\"10\"/>"
                      : series.kind == Series::Kind::kDots
                          ? "<path class=\"dots key {}\" d=\"M13 5h0\"/>"
                          : "<path class=\"line {}\" d=\"M1 5H25\"/>";
    items +=
        html("<li><svg class=\"key\" viewBox=\"0 0 26 10\" aria-hidden=\"true\">{}</svg>{}</li>",
             html(key, style_of(series)), series.name);
  }
  if (!plot.reference_name.empty()) {
    items += html(
        "<li><svg class=\"key\" viewBox=\"0 0 26 10\" aria-hidden=\"true\"><path class=\"ref\" "
        "d=\"M1 5H25\"/></svg>{}</li>",
        plot.reference_name);
  }
  return items.empty() ? items : html("<ul class=\"legend\">{}</ul>\n", items);
}

// Of dots there are too many to list: how many of each.
Html counts(const Plot& plot) {
  std::vector<std::vector<Cell>> rows;
  for (const Series& series : plot.series) {
    rows.push_back({cell(series.name), count_cell(static_cast<int64_t>(series.points.size()))});
  }
  return folded("Values", table({"", "patches"}, rows,
                                {.caption = plot.title + ", patches", .style = "small"}));
}

Html values(const Plot& plot) {
  if (plot.bare) return counts(plot);
  std::vector<std::vector<Cell>> rows;
  for (const Series& series : plot.series) {
    const std::vector<PointF> points = shown_points(plot, series);
    const size_t n = points.size(), most = std::min(n, kMostTableRows);
    for (size_t k = 0; k < most; ++k) {
      const PointF& point = points[most < 2 ? k : k * (n - 1) / (most - 1)];
      const double y = plot.y.mirrored ? std::abs(point.y) : point.y;
      const Cell x = plot.x.logarithmic ? Cell{html("{}", fmt::format("{:.4g}", point.x)), {}, true}
                                        : number_cell(point.x, plot.x.decimals);
      rows.push_back({cell(series.name), x, number_cell(y, plot.y.decimals)});
    }
  }
  return folded("Values", table({"", plot.x.title, plot.y.title}, rows,
                                {.caption = plot.title + ", values", .style = "small"}));
}

}  // namespace

std::vector<double> ticks_of(const Axis& axis, int wanted) {
  std::vector<double> ticks;
  if (axis.logarithmic) {
    const double first = std::ceil(std::log10(axis.low) - 1e-9);
    const double last = std::floor(std::log10(axis.high) + 1e-9);
    const double step = std::max(1.0, std::ceil((last - first + 1) / wanted));
    for (double power = first; power <= last; power += step) ticks.push_back(std::pow(10, power));
    return ticks;
  }
  const double rough = (axis.high - axis.low) / wanted;
  const double size = std::pow(10, std::floor(std::log10(rough)));
  const double part = rough / size;
  const double step = size * (part <= 1.0 + 1e-9 ? 1 : part <= 2.0 + 1e-9 ? 2 : part <= 5 ? 5 : 10);
  const double first = std::ceil(axis.low / step - 1e-9);
  for (double k = first; k * step <= axis.high + step * 1e-9; ++k) ticks.push_back(k * step);
  return ticks;
}

Axis axis_around(const std::string& title, const std::vector<double>& values, bool logarithmic) {
  Axis axis{.title = title, .logarithmic = logarithmic};
  bool any = false;
  for (const double value : values) {
    if (!can_show(axis, value)) continue;
    axis.low = any ? std::min(axis.low, value) : value;
    axis.high = any ? std::max(axis.high, value) : value;
    any = true;
  }
  if (!any) return {.title = title, .low = logarithmic ? 0.1 : 0.0, .logarithmic = logarithmic};
  if (logarithmic) {
    axis.low /= 1.5;
    axis.high *= 1.5;
    return axis;
  }
  const double margin = std::max(0.06 * (axis.high - axis.low), 1e-6 + 1e-3 * std::abs(axis.high));
  axis.low -= margin;
  axis.high += margin;
  return axis;
}

Html draw(const Plot& plot) {
  Html shapes;
  for (const Series& series : plot.series) shapes += shape(plot, series);
  return html(
      "<figure class=\"plot\">\n<figcaption><h4 id=\"{}-t\">{}</h4></figcaption>\n{}"
      "<svg id=\"{}\" role=\"img\" aria-labelledby=\"{}-t\" aria-describedby=\"{}-d\" viewBox=\"0 "
      "0 {} {}\">{}{}{}</svg>\n<p class=\"reading\" id=\"{}-d\">{}</p>\n{}</figure>\n",
      plot.id, plot.title, legend(plot), plot.id, plot.id, plot.id, kWidth, kHeight, axes(plot),
      reference(plot), shapes, plot.id, plot.reading, values(plot));
}

}  // namespace lamella::report
