# The friendly face of the build. meson and ninja do the work; scripts/install-deps brings packages.
.PHONY: all demo test swarm fuzz night coverage bench lint docs install clean

all: build/build.ninja
	@ninja -C build

build/build.ninja:
	@meson setup build

# The main job, told as it happens: a server falls silent, and the line stays up.
demo:
	@scripts/install-deps build
	@$(MAKE) -s all
	@build/keepline demo

test:
	@scripts/install-deps test
	@scripts/test

# Random lives of the engine, from SEED on; one that breaks a rule is shrunk to a scenario in build/.
SEED = 1
COUNT = 1
swarm: build/build.ninja
	@ninja -C build tests/swarm/swarm
	@build/tests/swarm/swarm --seed $(SEED) --count $(COUNT) --print --into build

# Every fuzz target for so long.
SECONDS = 60
fuzz:
	@scripts/install-deps test
	@scripts/night fuzz $(SECONDS)

# What takes too long for each change: so many lives in both compilers, the fuzz targets, so many runs of each fault.
LIVES = 10000
RUNS = 50
night:
	@scripts/install-deps test
	@scripts/night all $(LIVES) $(SECONDS) $(RUNS)

# Which lines and branches the tests reach: of the engine, and of sip/, net/ and phone/.
coverage:
	@scripts/install-deps test
	@scripts/coverage

bench:
	@scripts/install-deps test
	@test -f build-bench/build.ninja || meson setup --buildtype=release -Db_ndebug=false -Dwerror=false build-bench
	@meson test -C build-bench --benchmark --verbose

# How the sources read: layers, lengths, words, format, conformance.
lint:
	@scripts/install-deps test
	@$(MAKE) -s all
	@meson test -C build --suite tidy --no-rebuild --print-errorlogs

docs: all
	@tools/conformance
	@tools/docs build/tests/tools/configuration_keys build/keepline
	@tools/parameters

install: all
	@meson install -C build --no-rebuild

clean:
	rm -rf build build-*
