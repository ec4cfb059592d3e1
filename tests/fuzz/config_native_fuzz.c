/* Feeds any bytes to the configuration loader as a native file. */
#include "tests/fuzz/config_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	config_fuzz_load("---\n", data, size);
	return 0;
}
