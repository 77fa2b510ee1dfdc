// SPDX-License-Identifier: Apache-2.0
// One measurement of reading, as one JSON line; benchmarks/reading.py puts them side by side.
//
//   read_bench floor   SLIDE THREADS                      every tile of level 0 decoded once
//   read_bench patches SLIDE THREADS SIZE_PX MPP FILE [check]   FILE: lines "x y", level-0 px
//                                                         MPP 0: level 0, native pixels
//   read_bench tissue  SLIDE THREADS
//   read_bench plan    SLIDE ROWS                         open, and plan that many patches
//   read_bench open    SLIDE
// SLIDE may be an address; what its store was asked for is told then.
#include <fmt/format.h>
#include <sys/resource.h>
#include <zlib.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "lamella/base/parallel.h"
#include "lamella/io/net/traffic.h"
#include "lamella/patch/patch_extractor.h"
#include "lamella/patch/plan_patches.h"
#include "lamella/tissue/tissue.h"

namespace {

using namespace lamella;

constexpr int kBatchSize = 16;  // what a peer gives one by one should stay in the cache

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::string traffic() {
  io::Traffic all;
  for (const auto& [name, each] : io::traffic_so_far()) all += each;
  if (all.requests == 0) return "";
  return fmt::format(
      ", \"requests\": {}, \"bytes_fetched\": {}, \"bytes_needed\": {}, \"waiting\": {:.3f}",
      all.requests, all.bytes_fetched, all.bytes_needed, all.seconds_waiting);
}

void report(int64_t count, double seconds, const std::string& more = "") {
  std::puts(fmt::format("{{\"count\": {}, \"seconds\": {:.6f}, \"peak_mib\": {:.1f}{}{}}}", count,
                        seconds, peak_mib(), more, traffic())
                .c_str());
}

void run_floor(const std::string& path, int threads) {
  const auto start = Clock::now();
  const auto slide = slide::open_slide(path);
  const slide::LevelInfo& level = slide->info().levels.front();
  const SizePx tile = level.tile_px;
  const int64_t columns = (level.size_px.width + tile.width - 1) / tile.width;
  const int64_t rows = (level.size_px.height + tile.height - 1) / tile.height;
  std::vector<std::unique_ptr<slide::TileDecoder>> decoders;
  std::vector<Image> images;
  for (int i = 0; i < threads; ++i) {
    decoders.push_back(slide->make_decoder());
    images.emplace_back(static_cast<int>(tile.width), static_cast<int>(tile.height));
  }
  parallel_for(columns * rows, threads, [&](int64_t i, int worker) {
    const auto w = static_cast<size_t>(worker);
    slide->read_tile(0, {i % columns, i / columns}, *decoders[w], images[w].view());
  });
  report(columns * rows, seconds_since(start));
}

std::vector<patch::PatchRow> read_positions(const std::string& path) {
  std::vector<patch::PatchRow> rows;
  std::ifstream file(path);
  for (int64_t x = 0, y = 0; file >> x >> y;) {
    rows.push_back({});
    rows.back().x_px = x;
    rows.back().y_px = y;
  }
  return rows;
}

void run_patches(const std::string& path, int threads, int size_px, double mpp,
                 const std::string& positions, bool check) {
  const std::vector<patch::PatchRow> rows = read_positions(positions);
  const auto start = Clock::now();
  const auto slide = slide::open_slide(path);
  patch::PatchPlan plan;
  plan.spec.size_px = size_px;
  if (mpp > 0) {
    plan.spec.mpp = mpp;
  } else {
    plan.spec.level = 0;
  }
  plan.geometry = patch::resolve_geometry(plan.spec, slide->info());
  plan.rows = rows;
  patch::ExtractOptions options;
  options.batch_size = kBatchSize;
  patch::PatchExtractor extractor(slide, plan, options);
  Context context;
  context.threads = threads;
  patch::PatchBatch batch;
  int64_t count = 0;
  uint64_t sum = 0, total = 0;
  while (extractor.next(batch, context)) {
    count += batch.count;
    if (!check) continue;
    for (int64_t i = 0; i < batch.count; ++i) {
      const auto pixels = batch.patch(i);
      const uLong crc = crc32(0, pixels.data(), static_cast<uInt>(pixels.size()));
      sum += crc * (uint64_t{batch.rows[static_cast<size_t>(i)]} + 1);
      for (const uint8_t value : pixels) total += value;
    }
  }
  std::string more = fmt::format(", \"tiles\": {}", extractor.tiles_decoded());
  if (check) {
    more += fmt::format(
        ", \"checksum\": \"{:016x}\", \"mean\": {:.6f}", sum,
        static_cast<double>(total) / static_cast<double>(count * size_px * size_px * 3));
  }
  report(count, seconds_since(start), more);
}

void run_tissue(const std::string& path, int threads) {
  const auto start = Clock::now();
  const auto slide = slide::open_slide(path);
  Context context;
  context.threads = threads;
  const tissue::TissueMask mask = tissue::make_tissue_mask(*slide, {}, context);
  report(mask.mask.width() * int64_t{mask.mask.height()}, seconds_since(start));
}

void run_plan(const std::string& path, int64_t rows) {
  const auto start = Clock::now();
  const auto slide = slide::open_slide(path);
  const SizePx size = slide->info().size_px();
  patch::GridOptions options;
  options.stride_px = std::sqrt(double(size.width) * double(size.height) / double(rows));
  const patch::PatchPlan plan = patch::plan_grid(slide->info(), "bench", {256, 0, {}},
                                                 tissue::all_tissue(slide->info()), options);
  patch::PatchExtractor extractor(slide, plan, {});
  report(extractor.patch_count(), seconds_since(start));
}

void run_open(const std::string& path) {
  const auto start = Clock::now();
  const auto slide = slide::open_slide(path);
  report(static_cast<int64_t>(slide->info().levels.size()), seconds_since(start));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 3 && words[0] == "floor") {
      run_floor(words[1], std::stoi(words[2]));
    } else if (words.size() >= 6 && words[0] == "patches") {
      run_patches(words[1], std::stoi(words[2]), std::stoi(words[3]), std::stod(words[4]), words[5],
                  words.size() > 6);
    } else if (words.size() == 2 && words[0] == "open") {
      run_open(words[1]);
    } else if (words.size() == 3 && words[0] == "tissue") {
      run_tissue(words[1], std::stoi(words[2]));
    } else if (words.size() == 3 && words[0] == "plan") {
      run_plan(words[1], std::stoll(words[2]));
    } else {
      std::fputs("usage: read_bench floor|patches|tissue|plan|open ... (see the source)\n", stderr);
      return 2;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "read_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
