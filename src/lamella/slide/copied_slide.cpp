// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/io/net/local_copy.h"
#include "lamella/slide/formats_internal.h"

namespace lamella::slide {

namespace {

class CopiedSlide final : public Slide {
 public:
  CopiedSlide(std::shared_ptr<const io::LocalCopy> copy, std::shared_ptr<const Slide> slide,
              SlideInfo info)
      : Slide(std::move(info)), copy_(std::move(copy)), slide_(std::move(slide)) {}

  std::unique_ptr<TileDecoder> make_decoder() const override { return slide_->make_decoder(); }
  void read_tile(int level, TileIndex tile, TileDecoder& decoder,
                 const MutableImageView& out) const override {
    slide_->read_tile(level, tile, decoder, out);
  }
  void read_tile_part(int level, TileIndex tile, const RectPx& part, TileDecoder& decoder,
                      const MutableImageView& out) const override {
    slide_->read_tile_part(level, tile, part, decoder, out);
  }
  void will_need(int level, std::span<const TileIndex> tiles) const override {
    slide_->will_need(level, tiles);
  }
  void require_unchanged() const override { slide_->require_unchanged(); }
  Image read_associated_image(const std::string& name) const override {
    return slide_->read_associated_image(name);
  }

 private:
  std::shared_ptr<const io::LocalCopy> copy_;
  std::shared_ptr<const Slide> slide_;  // goes before its file
};

}  // namespace

std::shared_ptr<const Slide> open_copy(const std::string& address, const OpenOptions& options) {
  auto copy = io::fetch_copy(address, options.fetch_to);
  OpenOptions of_file = options;
  of_file.fetch_to.clear();
  std::shared_ptr<const Slide> slide;
  try {
    slide = open_slide(copy->path(), of_file);
  } catch (const Error& error) {
    throw Error(error.code(), error.message(), address);
  }
  SlideInfo info = slide->info();
  info.path = without_credentials(address);
  if (!copy->fingerprint.empty()) info.fingerprint = copy->fingerprint;
  return std::make_shared<CopiedSlide>(std::move(copy), std::move(slide), std::move(info));
}

}  // namespace lamella::slide
