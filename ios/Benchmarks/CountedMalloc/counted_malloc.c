// Stands between the program and glibc's heap, since mallinfo2 doesn't show what was freed again.
#include "counted_malloc.h"

#include <errno.h>
#include <stddef.h>

#if defined(__GLIBC__)

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static unsigned long long bytes;

static void count_bytes(size_t size) { __atomic_fetch_add(&bytes, size, __ATOMIC_RELAXED); }

void *malloc(size_t size) {
  count_bytes(size);
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  count_bytes(count * size);
  return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  count_bytes(size);
  return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  count_bytes(size);
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
  *memory = memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}

bool counted_malloc_works(void) { return true; }

unsigned long long counted_malloc_bytes(void) { return __atomic_load_n(&bytes, __ATOMIC_RELAXED); }

#else

bool counted_malloc_works(void) { return false; }

unsigned long long counted_malloc_bytes(void) { return 0; }

#endif
