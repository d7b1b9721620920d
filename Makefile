# The front door: sets up what is missing (tools/setup.sh), then calls Meson. Everything else stands in meson.build.
.PHONY: all run test windows test-windows bench install format clean
.DEFAULT_GOAL := all
MESON := $(firstword $(wildcard /usr/bin/meson) meson)
PREFIX ?= /usr/local

# Meson reads the list of sources when it configures: a file that came or went asks for that again.
all:
	@tools/setup.sh build
	@{ [ -e build/build.ninja ] && tools/sources.sh | cmp -s - build/sources.txt; } || { \
		out=$$($(MESON) setup $$([ ! -e build/meson-private/coredata.dat ] || echo --reconfigure) build 2>&1) || { \
			echo "$$out"; rm -f build/build.ninja; exit 1; }; \
		tools/sources.sh >build/sources.txt; }
	@[ -e build/moorage ] || echo 'Building moorage'
	@ninja -C build product >build/ninja.log || { cat build/ninja.log; exit 1; }

# Ends well whether the port is free (0) or taken (1): both are answers.
run: all
	@build/moorage $(PORT) $(ARGS); code=$$?; [ $$code -le 1 ] || exit $$code

test: all
	@tools/setup.sh test
	@tools/test.py

windows:
	@tools/setup.sh cross
	@tools/windows.sh moorage.exe
	@echo "build-windows/moorage.exe"

# Under Wine, in a prefix of its own.
test-windows:
	@tools/setup.sh windows
	@tools/test.py --windows

# Against what people use instead, on this machine (bench/bench.py says what).
bench:
	@tools/setup.sh bench
	@$(MAKE) --no-print-directory all
	@ninja -C build bench/bench_pick bench/bench_wait bench/bench_load bench/bench_launch bench/bench_nothing >build/ninja.log || { cat build/ninja.log; exit 1; }
	@bench/bench.py $(ARGS)

install:
	@tools/setup.sh install
	@$(MAKE) --no-print-directory all
	@$(MESON) configure build --prefix "$(abspath $(PREFIX))"
	@$(MAKE) --no-print-directory all
	@$(MESON) install -C build --quiet --no-rebuild $(if $(DESTDIR),--destdir "$(abspath $(DESTDIR))")
	@echo "Installed moorage under $(if $(DESTDIR),$(abspath $(DESTDIR)))$(abspath $(PREFIX))"

format:
	@find src test bench -name '*.[ch]' | xargs clang-format -i

clean:
	@rm -rf build build-*
