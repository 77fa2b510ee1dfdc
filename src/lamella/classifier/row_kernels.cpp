// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "lamella/classifier/row_kernels_internal.h"

namespace lamella::classifier {

namespace {

constexpr int64_t kLanes = 8;
using Lanes = double __attribute__((vector_size(kLanes * sizeof(double))));
using Floats = float __attribute__((vector_size(kLanes * sizeof(float))));

#define LAMELLA_INLINE __attribute__((always_inline)) inline

LAMELLA_INLINE void load(const double* from, Lanes& to) { std::memcpy(&to, from, sizeof to); }

LAMELLA_INLINE void widen(const float* from, Lanes& to) {
  Floats eight;
  std::memcpy(&eight, from, sizeof eight);
  to = __builtin_convertvector(eight, Lanes);
}

LAMELLA_INLINE double sum_of(const Lanes& lanes) {
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
         ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

LAMELLA_INLINE FourNumbers dots_body(const FourRows& rows, const double* v, int64_t d) {
  Lanes a = {}, b = {}, c = {}, e = {}, x, w;
  int64_t j = 0;
  for (; j + kLanes <= d; j += kLanes) {
    load(v + j, w);
    widen(rows[0] + j, x);
    a += x * w;
    widen(rows[1] + j, x);
    b += x * w;
    widen(rows[2] + j, x);
    c += x * w;
    widen(rows[3] + j, x);
    e += x * w;
  }
  for (int lane = 0; j < d; ++j, ++lane) {
    a[lane] += static_cast<double>(rows[0][j]) * v[j];
    b[lane] += static_cast<double>(rows[1][j]) * v[j];
    c[lane] += static_cast<double>(rows[2][j]) * v[j];
    e[lane] += static_cast<double>(rows[3][j]) * v[j];
  }
  return {sum_of(a), sum_of(b), sum_of(c), sum_of(e)};
}

LAMELLA_INLINE void add_body(const FourRows& rows, const FourNumbers& r, double* g, int64_t d) {
  Lanes sum, x;
  int64_t j = 0;
  for (; j + kLanes <= d; j += kLanes) {
    load(g + j, sum);
    widen(rows[0] + j, x);
    sum += x * r[0];
    widen(rows[1] + j, x);
    sum += x * r[1];
    widen(rows[2] + j, x);
    sum += x * r[2];
    widen(rows[3] + j, x);
    sum += x * r[3];
    std::memcpy(g + j, &sum, sizeof sum);
  }
  for (; j < d; ++j) {
    for (size_t k = 0; k < rows.size(); ++k) g[j] += static_cast<double>(rows[k][j]) * r[k];
  }
}

FourNumbers dots_plain(const FourRows& rows, const double* v, int64_t d) {
  return dots_body(rows, v, d);
}
void add_plain(const FourRows& rows, const FourNumbers& r, double* g, int64_t d) {
  add_body(rows, r, g, d);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) FourNumbers dots_avx2(const FourRows& rows, const double* v,
                                                      int64_t d) {
  return dots_body(rows, v, d);
}
__attribute__((target("avx2"))) void add_avx2(const FourRows& rows, const FourNumbers& r, double* g,
                                              int64_t d) {
  add_body(rows, r, g, d);
}
__attribute__((target("avx512f"))) FourNumbers dots_avx512(const FourRows& rows, const double* v,
                                                           int64_t d) {
  return dots_body(rows, v, d);
}
__attribute__((target("avx512f"))) void add_avx512(const FourRows& rows, const FourNumbers& r,
                                                   double* g, int64_t d) {
  add_body(rows, r, g, d);
}
#endif

}  // namespace

const RowKernels& plain_kernels() {
  static const RowKernels kPlain = {dots_plain, add_plain};
  return kPlain;
}

const RowKernels& row_kernels() {
  static const RowKernels kFastest = [] {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return RowKernels{dots_avx512, add_avx512};
    if (__builtin_cpu_supports("avx2")) return RowKernels{dots_avx2, add_avx2};
#endif
    return plain_kernels();
  }();
  return kFastest;
}

}  // namespace lamella::classifier
