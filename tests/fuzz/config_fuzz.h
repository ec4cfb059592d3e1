/* config_fuzz.h - what all targets of the configuration loader do. */
#ifndef TESTS_FUZZ_CONFIG_FUZZ_H
#define TESTS_FUZZ_CONFIG_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Loads a file of HEAD and DATA.  What the loader accepts, the engine and the checker must. */
void config_fuzz_load(const char *head, const uint8_t *data, size_t size);

#endif
