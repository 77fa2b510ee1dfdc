// SPDX-License-Identifier: Apache-2.0
// libGLX as it would be without any OpenGL context. The wheel takes this one along: OpenCV's core
// asks it for the current context, which lamella never has, and the real one needs X11, which
// servers lack.
void *glXGetCurrentContext(void);
void *glXGetCurrentDisplay(void);
void (*glXGetProcAddressARB(const unsigned char *name))(void);

void *glXGetCurrentContext(void) { return 0; }
void *glXGetCurrentDisplay(void) { return 0; }
void (*glXGetProcAddressARB(const unsigned char *name))(void) {
  (void)name;
  return 0;
}
