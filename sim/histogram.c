#include "sim/histogram.h"

enum { FINE_BITS = 6, PARTS = 1000 };

static uint32_t bucket_of(uint64_t value)
{
	unsigned bits = value ? 64u - (unsigned)__builtin_clzll(value) : 0;
	unsigned shift = bits > FINE_BITS ? bits - FINE_BITS : 0;
	uint64_t bucket = shift * (SIM_HISTOGRAM_FINE / 2) + (value >> shift);

	return bucket < SIM_HISTOGRAM_BUCKETS ? (uint32_t)bucket : SIM_HISTOGRAM_BUCKETS - 1;
}

/* The largest value of a bucket. */
static uint64_t top_of(uint32_t bucket)
{
	const uint32_t half = SIM_HISTOGRAM_FINE / 2;
	uint32_t shift = bucket < SIM_HISTOGRAM_FINE ? 0 : bucket / half - 1;

	return (((uint64_t)bucket - shift * half + 1) << shift) - 1;
}

void sim_histogram_add(struct sim_histogram *histogram, uint64_t value)
{
	histogram->count++;
	histogram->sum += value;
	if (value > histogram->most)
		histogram->most = value;
	histogram->buckets[bucket_of(value)]++;
}

uint64_t sim_histogram_at(const struct sim_histogram *histogram, uint32_t part)
{
	uint64_t wanted = (histogram->count * part + PARTS - 1) / PARTS, seen = 0;

	if (part >= PARTS || !histogram->count)
		return histogram->most;
	for (uint32_t i = 0; i < SIM_HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= wanted) {
			uint64_t top = top_of(i);

			return top < histogram->most ? top : histogram->most;
		}
	}
	return histogram->most;
}

uint64_t sim_histogram_mean(const struct sim_histogram *histogram)
{
	return histogram->count ? histogram->sum / histogram->count : 0;
}
