// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/heatmap/overlay_internal.h"

namespace lamella::heatmap {

void put_text(cv::Mat& canvas, const std::string& text, cv::Point left_bottom, double scale) {
  cv::putText(canvas, text, left_bottom, kFont, scale, kInk, 1, cv::LINE_AA);
}

std::string ascii(const std::string& from) {
  std::string text;
  for (const char c : from) text += (c >= 32 && c < 127) ? c : '?';
  return text;
}

namespace {

struct NamedColormap {
  const char* name;
  int code;
};

constexpr std::array kColormaps = {
    NamedColormap{"magma", cv::COLORMAP_MAGMA},     NamedColormap{"viridis", cv::COLORMAP_VIRIDIS},
    NamedColormap{"inferno", cv::COLORMAP_INFERNO}, NamedColormap{"plasma", cv::COLORMAP_PLASMA},
    NamedColormap{"turbo", cv::COLORMAP_TURBO},     NamedColormap{"jet", cv::COLORMAP_JET}};

std::vector<std::string> colormap_names() {
  std::vector<std::string> names;
  for (const NamedColormap& map : kColormaps) names.emplace_back(map.name);
  return names;
}

// Of a name that was checked.
int colormap_code(const std::string& name) {
  const auto found = std::find_if(std::begin(kColormaps), std::end(kColormaps),
                                  [&](const NamedColormap& map) { return name == map.name; });
  return found->code;
}

// 256 colours, RGB.
cv::Mat colour_table(const std::string& name) {
  cv::Mat ramp(1, 256, CV_8U), colours;
  for (int i = 0; i < 256; ++i) ramp.at<uint8_t>(i) = static_cast<uint8_t>(i);
  cv::applyColorMap(ramp, colours, colormap_code(name));
  cv::cvtColor(colours, colours, cv::COLOR_BGR2RGB);
  return colours;
}

// Low probabilities are clear, so that healthy tissue looks as it is; the legend shows it.
constexpr float kClearUpTo = 0.1f, kFullFrom = 0.5f;

double opacity_of(float score, double opacity) {
  return opacity * std::clamp((score - kClearUpTo) / (kFullFrom - kClearUpTo), 0.0f, 1.0f);
}

cv::Vec3b mixed(const cv::Vec3b& colour, const cv::Vec3b& under, double opacity) {
  cv::Vec3b mix;
  for (int c = 0; c < 3; ++c) {
    mix[c] = static_cast<uint8_t>(std::lround(opacity * colour[c] + (1 - opacity) * under[c]));
  }
  return mix;
}

// classes: of a legend in the bar's place, null for a bar.
Layout make_layout(int width, int height, bool titled, const ClassTable* classes) {
  Layout layout;
  const int longer = std::max(width, height);
  layout.unit = std::clamp(longer / 40, 14, 60);
  layout.font = layout.unit / 40.0;
  const int u = layout.unit;
  const int top = titled ? 3 * u : u;
  layout.slide = {u, top, width, height};
  const int bar_height = std::max(height, 8 * u);
  layout.bar = {u + width + u, top, u, bar_height};
  if (classes) {
    const cv::Size legend = legend_size(*classes, layout);
    layout.canvas = {layout.bar.x + legend.width + u,
                     top + std::max(bar_height, legend.height) + u};
  } else {
    layout.canvas = {layout.bar.x + layout.bar.width + 4 * u, top + bar_height + u};
  }
  return layout;
}

void draw_bar(cv::Mat& canvas, const Layout& layout, const cv::Mat& colours, double opacity) {
  const cv::Rect& bar = layout.bar;
  for (int y = 0; y < bar.height; ++y) {
    const int index = 255 - std::min(255, y * 256 / bar.height);
    const auto colour = mixed(colours.at<cv::Vec3b>(index), {255, 255, 255},
                              opacity_of(static_cast<float>(index) / 255, opacity));
    cv::line(canvas, {bar.x, bar.y + y}, {bar.x + bar.width - 1, bar.y + y},
             cv::Scalar(colour[0], colour[1], colour[2]));
  }
  cv::rectangle(canvas, bar, kFrame);
  for (int tick = 0; tick <= 4; ++tick) {
    const int y = bar.y + bar.height - 1 - tick * (bar.height - 1) / 4;
    cv::line(canvas, {bar.x + bar.width, y}, {bar.x + bar.width + layout.unit / 3, y}, kInk);
    const int baseline =
        std::clamp(y + layout.unit / 3, bar.y + layout.unit / 2, bar.y + bar.height - 1);
    put_text(canvas, fmt::format("{:.2f}", tick / 4.0),
             {bar.x + bar.width + layout.unit / 2, baseline}, layout.font);
  }
}

void draw_title(cv::Mat& canvas, const Layout& layout, const std::string& title,
                const std::string& caption) {
  const std::string text = ascii(title);
  double scale = layout.font * 1.25;
  const int room = layout.canvas.width - 2 * layout.unit;
  const cv::Size size = cv::getTextSize(text, kFont, scale, 1, nullptr);
  if (size.width > room) scale *= static_cast<double>(room) / size.width;
  put_text(canvas, text, {layout.unit, layout.unit * 5 / 4}, scale);
  put_text(canvas, ascii(caption), {layout.unit, layout.unit * 5 / 2}, layout.font * 0.9);
}

// 1 within the cells that were looked at, falling to 0 over the outer quarter of those beside one
// that was not (positions in cells): the map does not end in the steps of the tissue mask.
double fade(const HeatMap& map, double column, double row) {
  const auto seen = [&](int64_t c, int64_t r) {
    return c >= 0 && r >= 0 && c < map.columns && r < map.rows &&
                   !std::isnan(map.values[static_cast<size_t>(r * map.columns + c)])
               ? 1.0
               : 0.0;
  };
  const double x = column - 0.5, y = row - 0.5;  // from cell centre to cell centre
  const auto c = static_cast<int64_t>(std::floor(x)), r = static_cast<int64_t>(std::floor(y));
  const double fx = x - static_cast<double>(c), fy = y - static_cast<double>(r);
  const double share = (1 - fy) * ((1 - fx) * seen(c, r) + fx * seen(c + 1, r)) +
                       fy * ((1 - fx) * seen(c, r + 1) + fx * seen(c + 1, r + 1));
  return std::clamp(4 * (share - 0.5), 0.0, 1.0);
}

// Blends the colour of each cell over the thumbnail, every pixel by its centre.
void blend(cv::Mat& picture, const HeatMap& map, const cv::Mat& colours, double opacity) {
  const double scale_x = static_cast<double>(map.slide_size_px.width) / picture.cols;
  const double scale_y = static_cast<double>(map.slide_size_px.height) / picture.rows;
  const int last = static_cast<int>(colours.total()) - 1;
  const bool every_class = map.shown == kMostLikely;
  const float steps = every_class ? 1.0f : static_cast<float>(last);
  for (int y = 0; y < picture.rows; ++y) {
    const double place_y = ((y + 0.5) * scale_y - map.origin_y_px) / map.cell_y_px;
    const auto row = static_cast<int64_t>(std::floor(place_y));
    if (row < 0 || row >= map.rows) continue;
    auto* pixels = picture.ptr<cv::Vec3b>(y);
    for (int x = 0; x < picture.cols; ++x) {
      const double place_x = ((x + 0.5) * scale_x - map.origin_x_px) / map.cell_x_px;
      const auto column = static_cast<int64_t>(std::floor(place_x));
      if (column < 0 || column >= map.columns) continue;
      const float score = map.values[static_cast<size_t>(row * map.columns + column)];
      if (std::isnan(score)) continue;
      const int index = static_cast<int>(std::lround(score * steps));
      const auto colour = colours.at<cv::Vec3b>(std::clamp(index, 0, last));
      const double shown = every_class ? opacity : opacity_of(score, opacity);
      pixels[x] = mixed(colour, pixels[x], shown * fade(map, place_x, place_y));
    }
  }
}

void draw_outlines(cv::Mat& picture, const OverlayOptions& options, SizePx slide) {
  constexpr int kShift = 4;  // sixteenths of a pixel
  const double scale_x = picture.cols / static_cast<double>(slide.width) * (1 << kShift);
  const double scale_y = picture.rows / static_cast<double>(slide.height) * (1 << kShift);
  std::vector<std::vector<cv::Point>> rings;
  for (const auto& outline : options.outlines) {
    auto& ring = rings.emplace_back();
    for (const PointF& point : outline) {
      ring.emplace_back(static_cast<int>(std::lround(point.x * scale_x)),
                        static_cast<int>(std::lround(point.y * scale_y)));
    }
  }
  const int width = std::max(1, std::max(picture.cols, picture.rows) / 800);
  cv::polylines(picture, rings, true, kWhite, width + 2, cv::LINE_AA, kShift);
  cv::polylines(picture, rings, true, cv::Scalar(0, 110, 60), width, cv::LINE_AA, kShift);
}

}  // namespace

const OptionTable<OverlayOptions>& OverlayOptions::table() {
  static const auto kTable =
      OptionTable<OverlayOptions>()
          .row("colormap", &OverlayOptions::colormap,
               {.help = "colours of the heat-map", .choices = colormap_names()})
          .row("class", &OverlayOptions::shown_class,
               {.help = "class whose probability is shown, or \"most likely\" for all classes",
                .otherwise = "the last class"})
          .row("opacity", &OverlayOptions::opacity,
               {.help = "opacity of the heat-map over the slide", .least = 0, .most = 1});
  return kTable;
}

void OverlayOptions::validate() const { table().check(*this); }

Image draw_overlay(const HeatMap& map, const ImageView& thumbnail, const OverlayOptions& options) {
  options.validate();
  if (thumbnail.channels != 3 || thumbnail.width < 1 || thumbnail.height < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("the thumbnail is {} x {} x {}, expected RGB pixels", thumbnail.width,
                            thumbnail.height, thumbnail.channels));
  }
  const bool every_class = map.shown == kMostLikely;
  const cv::Mat colours =
      every_class ? class_colours(map.classes.count()) : colour_table(options.colormap);
  cv::Mat picture =
      cv::Mat(thumbnail.height, thumbnail.width, CV_8UC3, const_cast<uint8_t*>(thumbnail.data),
              static_cast<size_t>(thumbnail.stride))
          .clone();
  if (!map.values.empty()) blend(picture, map, colours, options.opacity);
  draw_outlines(picture, options, map.slide_size_px);

  const Layout layout = make_layout(picture.cols, picture.rows, !options.title.empty(),
                                    every_class ? &map.classes : nullptr);
  Image image(layout.canvas.width, layout.canvas.height, 3, 255);
  const MutableImageView view = image.view();
  cv::Mat canvas(view.height, view.width, CV_8UC3, view.data, static_cast<size_t>(view.stride));
  picture.copyTo(canvas(layout.slide));
  cv::rectangle(canvas, layout.slide, kFrame);
  if (every_class) {
    draw_legend(canvas, layout, map.classes, colours);
  } else {
    draw_bar(canvas, layout, colours, options.opacity);
  }
  if (!options.title.empty()) {
    draw_title(canvas, layout, options.title,
               every_class ? "most likely class" : "probability of " + map.shown);
  }
  return image;
}

}  // namespace lamella::heatmap
