// SPDX-License-Identifier: Apache-2.0
// Whole files. Writing is atomic: temporary name in the same folder, synced, renamed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace lamella::io {

// Error kNotFound, kIo, or kLimit beyond `max_bytes`.
std::string read_text_file(const std::string& path, int64_t max_bytes = int64_t{1} << 30);

// kNow: on the disk before the call returns. kLater: whole under its name for every process, but
// only sync_file_system() makes sure that it outlives a power failure; for thousands of small
// files.
enum class Sync { kNow, kLater };

// Makes parent folders as needed.
void write_file_atomic(const std::string& path, std::string_view bytes, Sync sync = Sync::kNow);

// All of `bytes` at `offset` of an open file; false, with errno, if that failed.
bool write_all(int file, int64_t offset, std::span<const std::byte> bytes);

// `path` is what errors of writing name: `place` may be a temporary name for it. Error kNotFound,
// kIo.
void copy_file(const std::string& from, const std::string& place, const std::string& path);

// Calls write(temporary_path), then syncs and renames it to `path`. If write throws, the temporary
// file is removed and `path` stays as it was. Makes parent folders as needed.
// Error kIo that names `path` if the folder cannot be made or written.
void replace_file(const std::string& path,
                  const std::function<void(const std::string& temporary_path)>& write,
                  Sync sync = Sync::kNow);

// All that was written to the file system of `folder` is on the disk. Error kIo.
void sync_file_system(const std::string& folder);

// Error kIo naming the path if it cannot be made.
void make_folders(const std::string& path);
// Error kIo if a file cannot be made in the folder (which is made if absent).
void require_writable_folder(const std::string& path);
bool exists(const std::string& path);
// `path` if absolute, else `folder`/`path`.
std::string resolve(const std::string& folder, const std::string& path);
std::string parent_folder(const std::string& path);  // "." if there is none
// The folder of the program or shared library (the Python module) that this code is part of, ""
// if unknown.
std::string own_folder();
std::string stem(const std::string& path);  // file name without folder and last extension

}  // namespace lamella::io
