// SPDX-License-Identifier: Apache-2.0
// Preloaded by starved_test.py: something happens to one file when it is read.
//   FAIL_FILE   end of the file's path
//   FAIL_AT     at which of its reads (1 is the first); with SLOW at every one
//   FAIL_HOW    error | unlink | truncate | write | slow
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long reads;

static int is_file(int descriptor, char *path, size_t size) {
  const char *wanted = getenv("FAIL_FILE");
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, size - 1);
  if (!wanted || length <= 0) return 0;
  path[length] = 0;
  const size_t ending = strlen(wanted);
  return (size_t)length >= ending && strcmp(path + length - ending, wanted) == 0;
}

static int disturb(int descriptor) {
  char path[4096];
  if (!is_file(descriptor, path, sizeof path)) return 0;
  const char *how = getenv("FAIL_HOW"), *at = getenv("FAIL_AT");
  if (strcmp(how, "slow") == 0) return usleep(20000);
  if (atomic_fetch_add(&reads, 1) + 1 != atol(at ? at : "1")) return 0;
  if (strcmp(how, "error") == 0) return errno = EIO, -1;
  if (strcmp(how, "unlink") == 0) unlink(path);
  if (strcmp(how, "truncate") == 0 && truncate(path, 4096) != 0) abort();
  if (strcmp(how, "write") == 0) {
    FILE *file = fopen(path, "r+b");  // the first byte as it was: only the time tells
    const int byte = fgetc(file);
    rewind(file);
    fputc(byte, file);
    fclose(file);
  }
  return 0;
}

typedef ssize_t (*Read)(int, void *, size_t, off_t);

ssize_t pread(int descriptor, void *buffer, size_t size, off_t offset) {
  if (disturb(descriptor) != 0) return -1;
  return ((Read)dlsym(RTLD_NEXT, "pread"))(descriptor, buffer, size, offset);
}

ssize_t pread64(int descriptor, void *buffer, size_t size, off_t offset) {
  if (disturb(descriptor) != 0) return -1;
  return ((Read)dlsym(RTLD_NEXT, "pread64"))(descriptor, buffer, size, offset);
}
