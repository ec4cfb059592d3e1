# The friendly face of the build. meson and ninja do the work; scripts/install-deps brings packages.
.PHONY: all demo test bench lint docs install clean

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
	@tools/docs build/tests/tools/configuration_keys
	@tools/parameters

install: all
	@meson install -C build --no-rebuild

clean:
	rm -rf build build-*
