/* histogram.h - how often which value came, within 1.6 % of it, whatever its size.
 *
 * Buckets are 64 to each power of two, as in HdrHistogram; values below 64 are exact. */
#ifndef SIM_HISTOGRAM_H
#define SIM_HISTOGRAM_H

#include <stdint.h>

enum {
	SIM_HISTOGRAM_FINE = 64,
	SIM_HISTOGRAM_BITS = 42, /* of the largest value: in microseconds, 50 days */
	SIM_HISTOGRAM_BUCKETS = (SIM_HISTOGRAM_BITS - 5) * SIM_HISTOGRAM_FINE,
};

/* An empty one is zeroed. */
struct sim_histogram {
	uint64_t count, sum, most;
	uint64_t buckets[SIM_HISTOGRAM_BUCKETS];
};

void sim_histogram_add(struct sim_histogram *histogram, uint64_t value);

/* The value that PART of a thousand are not above; 1000: the largest.  0 of an empty one. */
uint64_t sim_histogram_at(const struct sim_histogram *histogram, uint32_t part);

/* The mean of all values, floored.  0 of an empty one. */
uint64_t sim_histogram_mean(const struct sim_histogram *histogram);

#endif
