#ifndef COUNTED_MALLOC_H
#define COUNTED_MALLOC_H

#include <stdbool.h>

// Whether this platform can count.
bool counted_malloc_works(void);

// Bytes that the process has asked the heap for since it started, freed ones included.
unsigned long long counted_malloc_bytes(void);

#endif
