/* Feeds any lines to the configuration loader as those of a Yealink file. */
#include "tests/fuzz/config_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	config_fuzz_load("#!version:1.0.0.1\n", data, size);
	return 0;
}
