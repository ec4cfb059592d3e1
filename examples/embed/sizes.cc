// sizes.cc - how much room an engine takes, asked in C++: a device with so many lines, all by one
// server name.  A host allocates that once, and nothing more.
//
//	c++ sizes.cc -o sizes $(pkg-config --cflags --libs keepline)
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <keepline/keepline.h>

namespace
{

// An engine with the configuration that it points into.
class Device
{
      public:
	explicit Device(uint32_t lines) : entry_(), lines_(lines), config_(), block_()
	{
		kl_policy_profile(&policy_, KL_PROFILE_KEEPLINE);
		entry_.name = "example.test";
		entry_.transport_choice = KL_CHOOSE_UDP;
		entry_.registers = true;
		entry_.policy = &policy_;
		for (kl_line_config &line : lines_) {
			line.entries = &entry_;
			line.entry_count = 1;
		}
		config_.lines = lines_.data();
		config_.line_count = lines;
		config_.transports = 1 << KL_UDP;
		config_.families = KL_IPV4;
		kl_limits_default(&config_);
		block_.resize(kl_engine_size(&config_) / sizeof(std::max_align_t) + 1);
	}
	Device(const Device &) = delete; // the engine keeps a pointer to config_
	Device &operator=(const Device &) = delete;

	int begin(uint64_t seed, kl_ms now)
	{
		return kl_engine_init(engine(), size(), &config_, seed, now);
	}
	size_t size() const
	{
		return kl_engine_size(&config_);
	}
	kl_engine *engine()
	{
		return reinterpret_cast<kl_engine *>(block_.data());
	}

      private:
	kl_policy policy_;
	kl_entry_config entry_;
	std::vector<kl_line_config> lines_;
	kl_config config_;
	std::vector<std::max_align_t> block_;
};

} // namespace

int main()
{
	for (uint32_t lines : {1U, 10U, 1000U}) {
		Device device(lines);

		if (device.begin(1, 0) != KL_OK)
			return EXIT_FAILURE;
		std::printf("%4u %s %7zu bytes\n", lines, lines == 1 ? "line " : "lines",
			    device.size());
	}
	return EXIT_SUCCESS;
}
