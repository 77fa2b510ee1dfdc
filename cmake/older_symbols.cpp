// SPDX-License-Identifier: Apache-2.0
// Linked into what a wheel takes to systems older than this one. Of these functions the libraries
// here have two versions: the linker takes the newest, which those systems lack, so calls are
// brought to the version that all of them have.
#include <condition_variable>
#include <mutex>

extern "C" {

// GLIBC_2.35's hypot is the same without the error handling of System V, by which no value changes.
double lamella_older_hypot(double x, double y);
__asm__(".symver lamella_older_hypot, hypot@GLIBC_2.2.5");
double __wrap_hypot(double x, double y);
double __wrap_hypot(double x, double y) { return lamella_older_hypot(x, y); }

// GLIBCXX_3.4.30's condition_variable::wait differs where a waiting thread is cancelled.
void lamella_older_wait(std::condition_variable* condition, std::unique_lock<std::mutex>* lock);
__asm__(
    ".symver lamella_older_wait, "
    "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE@GLIBCXX_3.4.11");
void __wrap__ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE(
    std::condition_variable* condition, std::unique_lock<std::mutex>* lock);
void __wrap__ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE(
    std::condition_variable* condition, std::unique_lock<std::mutex>* lock) {
  lamella_older_wait(condition, lock);
}

}  // extern "C"
