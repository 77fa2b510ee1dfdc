// SPDX-License-Identifier: Apache-2.0
// Linked beside OpenCV's archives, in place of what of them needs X11, which servers lack, or
// LAPACK and Fortran, for linear algebra that lamella leaves to Eigen.
#include <cstddef>

// libGLX as it is without any OpenGL context: lamella never has one.
extern "C" {
void* glXGetCurrentContext();
void* glXGetCurrentContext() { return nullptr; }
void* glXGetCurrentDisplay();
void* glXGetCurrentDisplay() { return nullptr; }
using Function = void (*)();
Function glXGetProcAddressARB(const unsigned char* name);
Function glXGetProcAddressARB(const unsigned char*) { return nullptr; }
}

// What OpenCV's core calls for LAPACK; where it is told that there is none it has its own.
namespace {
constexpr int kNotImplemented = 1;  // CV_HAL_ERROR_NOT_IMPLEMENTED
using Size = std::size_t;
}  // namespace

// NOLINTBEGIN(readability-identifier-naming)
int lapack_LU32f(float*, Size, int, float*, Size, int, int*) { return kNotImplemented; }
int lapack_LU64f(double*, Size, int, double*, Size, int, int*) { return kNotImplemented; }
int lapack_Cholesky32f(float*, Size, int, float*, Size, int, bool*) { return kNotImplemented; }
int lapack_Cholesky64f(double*, Size, int, double*, Size, int, bool*) { return kNotImplemented; }
int lapack_SVD32f(float*, Size, float*, float*, Size, float*, Size, int, int, int) {
  return kNotImplemented;
}
int lapack_SVD64f(double*, Size, double*, double*, Size, double*, Size, int, int, int) {
  return kNotImplemented;
}
int lapack_QR32f(float*, Size, int, int, int, float*, Size, float*, int*) {
  return kNotImplemented;
}
int lapack_QR64f(double*, Size, int, int, int, double*, Size, double*, int*) {
  return kNotImplemented;
}
int lapack_gemm32f(const float*, Size, const float*, Size, float, const float*, Size, float, float*,
                   Size, int, int, int, int) {
  return kNotImplemented;
}
int lapack_gemm64f(const double*, Size, const double*, Size, double, const double*, Size, double,
                   double*, Size, int, int, int, int) {
  return kNotImplemented;
}
int lapack_gemm32fc(const float*, Size, const float*, Size, float, const float*, Size, float,
                    float*, Size, int, int, int, int) {
  return kNotImplemented;
}
int lapack_gemm64fc(const double*, Size, const double*, Size, double, const double*, Size, double,
                    double*, Size, int, int, int, int) {
  return kNotImplemented;
}
// NOLINTEND(readability-identifier-naming)
