// SPDX-License-Identifier: Apache-2.0
#include "lamella/slide/region_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/slide/region_order_internal.h"
#include "lamella/slide/tile_geometry_internal.h"

namespace lamella::slide {

namespace {

using Buffer = std::unique_ptr<uint8_t[]>;

constexpr uintptr_t kLine = 64;

// libjpeg-turbo writes rows that begin at a multiple of 32 past the cache, out of which they are
// copied a moment later: a fifth of the time of reading. So they begin elsewhere.
uint8_t* off_line(uint8_t* buffer) {
  const auto place = reinterpret_cast<uintptr_t>(buffer);
  return buffer + ((place + kLine - 1) / kLine * kLine - place) + kLine / 4;
}

struct TileFailure {
  ErrorCode code = ErrorCode::kCorrupt;
  std::string message;  // empty: none
  bool empty() const { return message.empty(); }
};

// What is known of a tile that some region still needs.
struct TileState {
  uint32_t uses = 0;    // regions that still need it
  RectPx wanted;        // px of the tile: around all that any region of the request needs
  Buffer pixels;        // null unless held
  TileFailure failure;  // once tried in vain
};

// One tile's part in one call of read_next.
struct TileJob {
  uint64_t key = 0;
  TileState* state = nullptr;
  size_t first = 0, last = 0;  // range of `uses` below
  bool keep = false;           // hold it for later regions
  Buffer pixels;               // decoded in this call and to be held
  TileFailure failure;
};

struct Batch {
  std::vector<TileJob> jobs;
  std::vector<uint32_t> uses;  // for each job, the indices k of out[k] that need it
};

// The smallest rectangle that holds both; an empty one counts for nothing.
RectPx around(const RectPx& a, const RectPx& b) {
  if (a.empty()) return b;
  const int64_t x = std::min(a.x, b.x), y = std::min(a.y, b.y);
  return {x, y, std::max(a.right(), b.right()) - x, std::max(a.bottom(), b.bottom()) - y};
}

// Failures of a tile are its regions' failures; anything else ends the call.
bool is_tile_failure(ErrorCode code) {
  return code == ErrorCode::kCorrupt || code == ErrorCode::kUnsupported || code == ErrorCode::kIo ||
         code == ErrorCode::kLimit;
}

}  // namespace

void ReadOptions::validate() const {
  if (tile_budget_bytes < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("tile_budget_bytes is {}; expected 0 or more", tile_budget_bytes));
  }
}

struct RegionReader::State {
  std::shared_ptr<const Slide> slide;
  std::unique_ptr<io::ReadPlan> announced;
  ReadRequest request;
  LevelInfo level;  // at the request's reduction
  int64_t tile_bytes = 0;
  int64_t capacity = 0;  // tiles that may be held
  std::vector<uint32_t> order;
  size_t next = 0;  // position in order
  std::unordered_map<uint64_t, TileState> tiles;
  int64_t held = 0;
  int64_t decoded = 0;
  int64_t peak_bytes = 0;
  std::vector<std::unique_ptr<TileDecoder>> decoders;  // one per worker
  std::vector<Buffer> scratch;                         // one per worker
  std::vector<Buffer> spare;

  State(std::shared_ptr<const Slide> from, ReadRequest what, const ReadOptions& options);
  uint64_t key(int64_t column, int64_t row) const {
    return static_cast<uint64_t>(row) << 32 | static_cast<uint64_t>(column);
  }
  static TileIndex index_of(uint64_t key) {
    return {static_cast<int64_t>(key & 0xffffffffu), static_cast<int64_t>(key >> 32)};
  }
  std::vector<TileIndex> tiles_to_decode(const Batch& batch) const;
  template <typename Body>
  void each_tile(uint32_t region, const Body& body) const;
  void require_views(std::span<const MutableImageView> out) const;
  Batch plan(size_t count);
  void choose_kept(Batch& batch, size_t count);
  std::vector<uint64_t> soonest(size_t from, const Batch& batch) const;
  void run(Batch& batch, std::span<const MutableImageView> out, const Context& context);
  void run_tile(const Batch& batch, TileJob& job, int worker,
                std::span<const MutableImageView> out);
  std::vector<RegionFailure> finish(Batch& batch, size_t count);
  Buffer take_buffer();
  MutableImageView view(const Buffer& pixels) const {
    const auto width = static_cast<int>(level.tile_px.width);
    return {off_line(pixels.get()), width, static_cast<int>(level.tile_px.height), 3,
            ptrdiff_t{width} * 3};
  }
};

RegionReader::State::State(std::shared_ptr<const Slide> from, ReadRequest what,
                           const ReadOptions& options)
    : slide(std::move(from)), request(std::move(what)) {
  options.validate();
  level = reduced_level(require_level(slide->info(), request.level), request.reduction);
  if (request.regions.size() > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorCode::kLimit, "more than 2^32 regions were asked for", slide->info().path);
  }
  for (const RectPx& region : request.regions) require_region(slide->info(), region);
  tile_bytes = checked_mul(checked_mul(level.tile_px.width, level.tile_px.height, "tile size"), 3,
                           "tile size");
  capacity = options.tile_budget_bytes / tile_bytes;
  order = order_regions(level, request.regions, capacity);
  std::vector<TileIndex> in_order;
  for (const uint32_t region : order) {
    each_tile(region, [&](uint64_t tile) {
      TileState& state = tiles[tile];
      if (++state.uses == 1) in_order.push_back(index_of(tile));
      state.wanted =
          around(state.wanted, part_of_tile(level, index_of(tile), request.regions[region]));
    });
  }
  announced = slide->plan_reads(request.level, in_order);
}

template <typename Body>
void RegionReader::State::each_tile(uint32_t region, const Body& body) const {
  const TileRange range = tiles_of(level, request.regions[region]);
  for (int64_t row = range.row0; row < range.row1; ++row) {
    for (int64_t column = range.column0; column < range.column1; ++column) body(key(column, row));
  }
}

void RegionReader::State::require_views(std::span<const MutableImageView> out) const {
  if (out.size() > order.size() - next) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("{} regions were asked for; {} are left", out.size(), order.size() - next),
        slide->info().path);
  }
  for (size_t k = 0; k < out.size(); ++k) {
    const RectPx& region = request.regions[order[next + k]];
    if (out[k].width != region.width || out[k].height != region.height || out[k].channels != 3) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format("region {} is {} x {} x 3; its view is {} x {} x {}", order[next + k],
                      region.width, region.height, out[k].width, out[k].height, out[k].channels),
          slide->info().path);
    }
  }
}

// The tiles of the next `count` regions, each once, in the order in which they are first needed.
Batch RegionReader::State::plan(size_t count) {
  Batch batch;
  std::unordered_map<uint64_t, size_t> job_of;
  std::vector<std::pair<size_t, uint32_t>> pairs;  // job, k
  for (size_t k = 0; k < count; ++k) {
    each_tile(order[next + k], [&](uint64_t tile) {
      const auto [found, fresh] = job_of.try_emplace(tile, batch.jobs.size());
      if (fresh) {
        TileJob& job = batch.jobs.emplace_back();
        job.key = tile;
        job.state = &tiles.at(tile);
      }
      pairs.emplace_back(found->second, static_cast<uint32_t>(k));
    });
  }
  std::ranges::sort(pairs);
  batch.uses.reserve(pairs.size());
  for (const auto& [index, k] : pairs) {
    TileJob& job = batch.jobs[index];
    if (job.last == 0) job.first = batch.uses.size();
    batch.uses.push_back(k);
    job.last = batch.uses.size();
  }
  // The long jobs first: the short ones then fill the threads' last gaps.
  std::ranges::stable_partition(batch.jobs,
                                [](const TileJob& job) { return job.state->pixels == nullptr; });
  choose_kept(batch, count);
  return batch;
}

// Which of this call's tiles to hold for later regions, decided before any is decoded so that it
// does not depend on threads. If the budget cannot hold all that is needed later, the tiles needed
// soonest are held and the others decoded a second time.
void RegionReader::State::choose_kept(Batch& batch, size_t count) {
  std::unordered_map<uint64_t, TileJob*> jobs;
  int64_t wanted = 0;
  for (TileJob& job : batch.jobs) {
    job.keep = job.state->uses > job.last - job.first;
    if (job.keep && !job.state->pixels) ++wanted;
  }
  if (held + wanted <= capacity) return;

  const std::vector<uint64_t> stay = soonest(next + count, batch);
  const std::unordered_set<uint64_t> stays(stay.begin(), stay.end());
  for (TileJob& job : batch.jobs) {
    job.keep = job.keep && job.state->pixels && stays.contains(job.key);
    jobs.emplace(job.key, &job);
  }
  for (auto& [tile, state] : tiles) {
    if (!state.pixels || jobs.contains(tile) || stays.contains(tile)) continue;
    spare.push_back(std::move(state.pixels));
    --held;
  }
  // Held tiles that leave after this call still take room during it.
  int64_t room = capacity - held;
  for (const uint64_t tile : stay) {
    const auto found = jobs.find(tile);
    if (found == jobs.end() || found->second->state->pixels) continue;
    if (room-- <= 0) break;
    found->second->keep = true;
  }
}

// Of the tiles that are held or could be after this call, as many as the budget allows, in the
// order in which they are needed from position `from` on.
std::vector<uint64_t> RegionReader::State::soonest(size_t from, const Batch& batch) const {
  std::unordered_set<uint64_t> candidates;
  for (const TileJob& job : batch.jobs) {
    if (job.keep) candidates.insert(job.key);
  }
  for (const auto& [tile, state] : tiles) {
    if (state.pixels && state.uses > 0) candidates.insert(tile);
  }
  for (const TileJob& job : batch.jobs) {
    if (!job.keep) candidates.erase(job.key);
  }
  std::vector<uint64_t> stay;
  const auto enough = [&] {
    return candidates.empty() || static_cast<int64_t>(stay.size()) >= capacity;
  };
  for (size_t k = from; k < order.size() && !enough(); ++k) {
    each_tile(order[k], [&](uint64_t tile) {
      if (!enough() && candidates.erase(tile)) stay.push_back(tile);
    });
  }
  return stay;
}

std::vector<TileIndex> RegionReader::State::tiles_to_decode(const Batch& batch) const {
  std::vector<TileIndex> wanted;
  for (const TileJob& job : batch.jobs) {
    if (!job.state->pixels && job.state->failure.empty()) wanted.push_back(index_of(job.key));
  }
  return wanted;
}

Buffer RegionReader::State::take_buffer() {
  if (spare.empty()) {
    return std::make_unique_for_overwrite<uint8_t[]>(static_cast<size_t>(tile_bytes) + 2 * kLine);
  }
  Buffer buffer = std::move(spare.back());
  spare.pop_back();
  return buffer;
}

void RegionReader::State::run(Batch& batch, std::span<const MutableImageView> out,
                              const Context& context) {
  const int threads = std::max(1, context.threads);
  while (decoders.size() < static_cast<size_t>(threads)) decoders.push_back(slide->make_decoder());
  while (scratch.size() < decoders.size()) scratch.push_back(take_buffer());
  int64_t fresh = 0;
  for (TileJob& job : batch.jobs) {
    if (!job.keep || job.state->pixels || !job.state->failure.empty()) continue;
    job.pixels = take_buffer();
    ++fresh;
  }
  slide->will_need(request.level, tiles_to_decode(batch));
  peak_bytes =
      std::max(peak_bytes, (held + fresh + static_cast<int64_t>(scratch.size())) * tile_bytes);
  const auto jobs = static_cast<int64_t>(batch.jobs.size());
  parallel_for(jobs + static_cast<int64_t>(out.size()), threads, [&](int64_t index, int worker) {
    context.cancel.check();
    if (index < jobs) {
      run_tile(batch, batch.jobs[static_cast<size_t>(index)], worker, out);
    } else {
      const auto k = static_cast<size_t>(index - jobs);
      whiten_outside(level, request.regions[order[next + k]], out[k]);
    }
  });
}

// Decodes the tile unless it is held, and copies it into every region of the call that needs it.
// Tiles write disjoint parts of a region.
void RegionReader::State::run_tile(const Batch& batch, TileJob& job, int worker,
                                   std::span<const MutableImageView> out) {
  if (!job.state->failure.empty()) return;
  const TileIndex tile = index_of(job.key);
  const auto w = static_cast<size_t>(worker);
  const Buffer& pixels = job.state->pixels ? job.state->pixels
                         : job.pixels      ? job.pixels
                                           : scratch[w];
  if (!job.state->pixels) {
    try {
      slide->read_tile_part(request.level, tile, job.state->wanted, *decoders[w], view(pixels));
    } catch (const Error& error) {
      if (!is_tile_failure(error.code())) throw;
      job.failure = {error.code(), error.what()};
      return;
    }
  }
  for (size_t i = job.first; i < job.last; ++i) {
    const uint32_t k = batch.uses[i];
    copy_tile_part(level, tile, view(pixels), request.regions[order[next + k]], out[k]);
  }
}

// Everything went through: takes over what is to be held and releases what no region needs.
std::vector<RegionFailure> RegionReader::State::finish(Batch& batch, size_t count) {
  std::vector<const TileFailure*> failed(count, nullptr);
  for (TileJob& job : batch.jobs) {
    TileState& state = *job.state;
    if (!state.pixels && state.failure.empty()) ++decoded;
    if (!job.failure.empty()) state.failure = std::move(job.failure);
    if (state.failure.empty()) {
      if (job.keep && job.pixels) {
        state.pixels = std::move(job.pixels);
        ++held;
      }
    } else {
      if (job.pixels) spare.push_back(std::move(job.pixels));
      for (size_t i = job.first; i < job.last; ++i) {
        const TileFailure*& first = failed[batch.uses[i]];
        if (!first) first = &state.failure;
      }
    }
  }
  std::vector<RegionFailure> failures;
  for (size_t k = 0; k < count; ++k) {
    if (failed[k]) failures.push_back({order[next + k], failed[k]->message, failed[k]->code});
  }
  for (TileJob& job : batch.jobs) {
    job.state->uses -= static_cast<uint32_t>(job.last - job.first);
    if (job.state->pixels && !job.keep) {
      spare.push_back(std::move(job.state->pixels));
      --held;
    }
    if (job.state->uses == 0) tiles.erase(job.key);
  }
  next += count;
  return failures;
}

RegionReader::RegionReader(std::shared_ptr<const Slide> slide, ReadRequest request,
                           ReadOptions options)
    : state_(std::make_unique<State>(std::move(slide), std::move(request), options)) {}
RegionReader::RegionReader(const Slide& slide, ReadRequest request, ReadOptions options)
    : RegionReader(std::shared_ptr<const Slide>(std::shared_ptr<void>(), &slide),
                   std::move(request), options) {}
RegionReader::~RegionReader() = default;
RegionReader::RegionReader(RegionReader&&) noexcept = default;

std::span<const uint32_t> RegionReader::order() const { return state_->order; }

std::vector<RegionFailure> RegionReader::read_next(std::span<const MutableImageView> out,
                                                   const Context& context) {
  state_->require_views(out);
  Batch batch = state_->plan(out.size());
  state_->run(batch, out, context);
  return state_->finish(batch, out.size());
}

int64_t RegionReader::tiles_decoded() const { return state_->decoded; }
int64_t RegionReader::peak_tile_bytes() const { return state_->peak_bytes; }

}  // namespace lamella::slide
