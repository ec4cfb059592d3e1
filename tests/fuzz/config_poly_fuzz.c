/* Feeds any bytes to the configuration loader; those of the corpus are Polycom files. */
#include "tests/fuzz/config_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	config_fuzz_load("", data, size);
	return 0;
}
