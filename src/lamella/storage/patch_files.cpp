// SPDX-License-Identifier: Apache-2.0
#include "lamella/storage/patch_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/io/files.h"

namespace lamella::storage {

namespace {

std::string label_name(const patch::PatchPlan& plan, int8_t label) {
  return label == patch::kNoLabel ? kUnlabelled : plan.classes.name(label);
}

std::string patch_name(const patch::PatchPlan& plan, const patch::PatchRow& row) {
  return fmt::format("{}_{}_{}", plan.slide_id, row.x_px, row.y_px);
}

// WebDataset takes what stands before a name's first dot for the sample, so ids keep theirs as %2E.
std::string sample_key(const std::string& name) {
  std::string key;
  for (const char c : name) {
    if (c == '.' || c == '%') {
      key += fmt::format("%{:02X}", static_cast<int>(c));
    } else {
      key += c;
    }
  }
  return key;
}

ImageView patch_view(const patch::PatchBatch& batch, int64_t i) {
  return {batch.patch(i).data(), batch.size_px, batch.size_px, 3, ptrdiff_t{3} * batch.size_px};
}

std::vector<uint8_t> jpeg_of(const patch::PatchBatch& batch, int64_t i,
                             const PatchFilesOptions& options) {
  return imagefile::encode_jpeg(patch_view(batch, i), options.jpeg_quality, options.jpeg_chroma);
}

class NullFiles final : public PatchFiles {
 public:
  void write(const patch::PatchBatch&, const Context&) override {}
  void finish() override {}
};

class ImageFiles final : public PatchFiles {
 public:
  ImageFiles(const patch::PatchPlan& plan, PatchFilesOptions options)
      : plan_(plan), options_(std::move(options)) {
    io::require_writable_folder(options_.folder);
  }

  void write(const patch::PatchBatch& batch, const Context& context) override {
    parallel_for(batch.count, context.threads, [&](int64_t i, int) {
      context.cancel.check();
      const patch::PatchRow& row = plan_.rows[batch.rows[static_cast<size_t>(i)]];
      const std::string path = fmt::format("{}/{}/{}", options_.folder,
                                           label_name(plan_, row.label), patch_name(plan_, row));
      const bool png = options_.format == PatchFormat::kPng;
      const auto bytes =
          png ? imagefile::encode_png(patch_view(batch, i)) : jpeg_of(batch, i, options_);
      io::write_file_atomic(path + (png ? ".png" : ".jpg"),
                            {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                            io::Sync::kLater);
    });
  }
  void finish() override { io::sync_file_system(options_.folder); }

 private:
  const patch::PatchPlan& plan_;
  PatchFilesOptions options_;
};

// One tar file under a temporary name until it is complete.
class Shard {
 public:
  explicit Shard(std::string path) : path_(std::move(path)), temporary_(path_ + ".tmp") {
    archive_ = archive_write_new();
    archive_write_set_format_pax_restricted(archive_);  // ustar, but for names beyond it
    check(archive_write_open_filename(archive_, temporary_.c_str()));
  }
  ~Shard() {
    archive_write_free(archive_);
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
  }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  void add(const std::string& name, const void* data, size_t size) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<int64_t>(size));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    const int status = archive_write_header(archive_, entry);
    archive_entry_free(entry);
    check(status);
    if (archive_write_data(archive_, data, size) != static_cast<la_ssize_t>(size)) {
      check(ARCHIVE_FATAL);
    }
  }

  void close() {
    check(archive_write_close(archive_));
    io::replace_file(path_,
                     [&](const std::string& place) { std::filesystem::rename(temporary_, place); });
  }

 private:
  void check(int status) const {
    if (status == ARCHIVE_OK) return;
    const char* cause = archive_error_string(archive_);
    throw Error(ErrorCode::kIo, fmt::format("cannot be written: {}", cause ? cause : "unknown"),
                path_);
  }

  std::string path_;
  std::string temporary_;
  archive* archive_ = nullptr;
};

class WebDatasetFiles final : public PatchFiles {
 public:
  WebDatasetFiles(const patch::PatchPlan& plan, PatchFilesOptions options)
      : plan_(plan), options_(std::move(options)) {
    io::require_writable_folder(options_.folder);
  }

  void write(const patch::PatchBatch& batch, const Context& context) override {
    std::vector<std::vector<uint8_t>> encoded(static_cast<size_t>(batch.count));
    parallel_for(batch.count, context.threads, [&](int64_t i, int) {
      context.cancel.check();
      encoded[static_cast<size_t>(i)] = jpeg_of(batch, i, options_);
    });
    for (size_t i = 0; i < encoded.size(); ++i) add(plan_.rows[batch.rows[i]], encoded[i]);
  }

  void finish() override {
    if (shard_) shard_->close();
    shard_.reset();
  }

 private:
  void add(const patch::PatchRow& row, const std::vector<uint8_t>& jpeg) {
    if (!shard_) {
      shard_ = std::make_unique<Shard>(
          fmt::format("{}/{}-{:06}.tar", options_.folder, plan_.slide_id, shards_++));
      in_shard_ = 0;
    }
    nlohmann::json about = {{"slide", plan_.slide_id}, {"x", row.x_px}, {"y", row.y_px}};
    if (plan_.geometry.effective_mpp) about["mpp"] = *plan_.geometry.effective_mpp;
    if (row.label != patch::kNoLabel) {
      about["label"] = row.label;
      about["class"] = plan_.classes.name(row.label);
    }
    const std::string name = sample_key(patch_name(plan_, row));
    const std::string json = about.dump();
    shard_->add(name + ".jpg", jpeg.data(), jpeg.size());
    if (row.label != patch::kNoLabel) {
      const std::string label = std::to_string(row.label);
      shard_->add(name + ".cls", label.data(), label.size());
    }
    shard_->add(name + ".json", json.data(), json.size());
    if (++in_shard_ == options_.shard_size) finish();
  }

  const patch::PatchPlan& plan_;
  PatchFilesOptions options_;
  std::unique_ptr<Shard> shard_;
  int shards_ = 0;
  int in_shard_ = 0;
};

}  // namespace

PatchFormat parse_patch_format(const std::string& text) {
  if (text == "png") return PatchFormat::kPng;
  if (text == "jpeg") return PatchFormat::kJpeg;
  if (text == "webdataset") return PatchFormat::kWebDataset;
  if (text == "null") return PatchFormat::kNull;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("format: found '{}', expected png, jpeg, webdataset or null", text));
}

const OptionTable<PatchFilesOptions>& PatchFilesOptions::table() {
  using imagefile::Chroma;
  static const auto kTable =
      OptionTable<PatchFilesOptions>()
          .choice("format", &PatchFilesOptions::format,
                  {.help = "png or jpeg: files <label>/<slide>_<x>_<y>; webdataset: tar shards; "
                           "null: only read"},
                  {{"png", PatchFormat::kPng},
                   {"jpeg", PatchFormat::kJpeg},
                   {"webdataset", PatchFormat::kWebDataset},
                   {"null", PatchFormat::kNull}})
          .row("jpeg_quality", &PatchFilesOptions::jpeg_quality,
               {.help = "quality of JPEG", .least = 1, .most = 100})
          .choice(
              "jpeg_chroma", &PatchFilesOptions::jpeg_chroma,
              {.help = "resolution of JPEG's colours: 4:4:4 is full, 4:2:0 half (smaller and "
                       "faster), auto is 4:2:0 below quality 90"},
              {{"auto", Chroma::kByQuality}, {"4:4:4", Chroma::kFull}, {"4:2:0", Chroma::kHalved}})
          .row("shard_size", &PatchFilesOptions::shard_size,
               {.help = "patches per tar file of webdataset", .least = 1});
  return kTable;
}

void PatchFilesOptions::validate() const {
  table().check(*this);
  if (format != PatchFormat::kNull && folder.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "no folder to write to; expected `out`, a folder (or `format` null to read only)");
  }
}

std::unique_ptr<PatchFiles> open_patch_files(const patch::PatchPlan& plan,
                                             const PatchFilesOptions& options) {
  switch (options.format) {
    case PatchFormat::kNull:
      return std::make_unique<NullFiles>();
    case PatchFormat::kWebDataset:
      return std::make_unique<WebDatasetFiles>(plan, options);
    case PatchFormat::kPng:
    case PatchFormat::kJpeg:
      break;
  }
  return std::make_unique<ImageFiles>(plan, options);
}

}  // namespace lamella::storage
