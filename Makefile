# natbox: make deps, make, make demo, make check. README.md says what each is for.
VERSION := 0.1
PREFIX  ?= /usr
DESTDIR ?=
B       ?= build

CC       ?= cc
CPPFLAGS += -Iinclude -Isrc -D_GNU_SOURCE -DNATBOX_VERSION='"$(VERSION)"'
# Across files, as a packet's way leads through most of them: a tenth fewer instructions. The objects
# hold ordinary code too, for the unit tests, which need no such care. How much inlining may add is a
# part of all there is; so much is enough for a packet's way, however little there is beside it.
CFLAGS   ?= -O3 -g -flto=auto -ffat-lto-objects --param inline-unit-growth=80
CFLAGS   += -std=c11 -Wall -Wextra -Wshadow $(if $(CI),-Werror)
# What makes a mistake in the handling of memory harder to use, as far as this compiler and machine
# have it. Buffers are looked at only where code is optimised and no sanitiser does it better.
# Empty: nothing of it.
HARDENING := $(shell for flag in -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection -mbranch-protection=standard; do \
	$(CC) -Werror $$flag -x c -c -o /dev/null /dev/null 2>/dev/null && echo $$flag; done) -fPIE
FORTIFY   := $(if $(findstring -fsanitize,$(CFLAGS)),,$(if $(filter -O1 -O2 -O3 -Os,$(CFLAGS)),\
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3))
compile   = $(CC) $(CPPFLAGS) $(if $(HARDENING),$(FORTIFY)) $(HARDENING) $(CFLAGS)
RELOCATIONS := -pie -Wl,-z,relro,-z,now
LDLIBS   += -lmicrohttpd -lsqlite3 -llmdb -lpcap -lnet -linih -lcap-ng -lnftables -lnftnl -lmnl -pthread

# From the bottom up: a room knows those before it, and each of the others those alone.
rooms   := base sip schedule report nat endpoints keepalive follow engine
core    := $(foreach room,$(rooms),$(wildcard src/$(room)/*.c))
outside := $(wildcard src/wire/*.c src/wire/*/*.c src/ops/*.c src/ops/*/*.c src/state/*.c)
main    := $(wildcard src/*.c)
ctl     := $(wildcard src/ctl/*.c)
unit    := $(wildcard tests/unit/*.c tests/programs/registrar/*.c)

core_o    := $(core:%.c=$(B)/%.o)
outside_o := $(outside:%.c=$(B)/%.o) $(B)/page.o
unit_o    := $(unit:%.c=$(B)/%.o)

.DELETE_ON_ERROR:
.PHONY: all deps demo bench check phones page unit tools fuzzers asan fuzz clean install uninstall deb vm

all: natbox natboxctl

natbox natboxctl: %: $(B)/%
	cp $< $@

$(B)/natbox: $(main:%.c=$(B)/%.o) $(outside_o) $(B)/libcore.a
	$(CC) $(HARDENING) $(CFLAGS) $(if $(HARDENING),$(RELOCATIONS)) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# It needs of natbox what it writes captures with, and few libraries.
$(B)/natboxctl: $(ctl:%.c=$(B)/%.o) $(B)/src/wire/capture/writer.o $(B)/src/wire/send/datagram.o $(B)/libcore.a
	$(CC) $(HARDENING) $(CFLAGS) $(if $(HARDENING),$(RELOCATIONS)) $(LDFLAGS) -o $@ $^ -ljansson -lpcap -lncursesw -ltinfo

$(B)/libcore.a: $(core_o)
	rm -f $@ && $(AR) rcs $@ $^

# The core of a debug or sanitised build goes to a folder of its own: make B=build/asan ...
unit: $(B)/unit
$(B)/unit: $(unit_o) $(B)/src/turns.o $(outside_o) $(B)/libcore.a
	$(CC) $(HARDENING) $(CFLAGS) -fno-lto $(if $(HARDENING),$(RELOCATIONS)) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcriterion -losip2 -losipparser2 -ljansson

# The status page: its style and its script stand where its text names them, and all of it as bytes
# in the program.
$(B)/page.html: $(wildcard src/ops/http/page/*) Makefile
	@mkdir -p $(@D)
	cd src/ops/http/page && sed -e '/^STYLE$$/{' -e 'r page.css' -e 'd' -e '}' \
		-e '/^SCRIPT$$/{' -e 'r page.js' -e 'r pictures.js' -e 'd' -e '}' page.html \
		>$(abspath $@)
$(B)/page.c: $(B)/page.html
	{ echo '#include <ops/http/page.h>' && echo 'const unsigned char page_bytes[] = {' && \
		od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g' && \
		echo '};' && echo 'const size_t page_text_length = sizeof(page_bytes);'; } >$@
$(B)/page.o: $(B)/page.c
	$(compile) -MMD -MP -c -o $@ $<

# What tests and benchmarks need besides natbox itself. Programs that tests alone run stand with them.
tools    := $(patsubst tools/%.c,$(B)/%,$(wildcard tools/*.c))
programs := $(patsubst tests/programs/%.c,$(B)/%,$(wildcard tests/programs/*.c))

fuzzers  := $(patsubst tests/fuzz/%.c,$(B)/fuzzers/%,$(wildcard tests/fuzz/*.c))

tests_o := $(unit_o) $(patsubst %.c,$(B)/%.o,$(wildcard tests/programs/*.c tests/programs/*/*.c))

tools: $(tools) $(programs)
$(tools): $(B)/%: $(B)/tools/%.o
$(B)/load $(B)/pace: $(B)/tools/bench.d/traffic.o
$(programs): $(B)/%: $(B)/tests/programs/%.o
$(B)/witness: $(patsubst %.c,$(B)/%.o,$(wildcard tests/programs/witness/*.c))
$(B)/registrar: $(patsubst %.c,$(B)/%.o,$(wildcard tests/programs/registrar/*.c))
$(tools) $(programs): $(outside_o) $(B)/libcore.a
	$(CC) $(HARDENING) $(CFLAGS) $(if $(HARDENING),$(RELOCATIONS)) $(LDFLAGS) -o $@ $(filter %.o,$^) $(B)/libcore.a $(LDLIBS)
# By clang alone: make B=build/fuzz CC=clang, as tests/fuzz/run does.
fuzzers: $(fuzzers)
$(fuzzers): $(B)/fuzzers/%: $(B)/tests/fuzz/%.o $(outside_o) $(B)/libcore.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)
# Nobody times these, nor the tests' own code: it is to be there soon.
$(programs): LDFLAGS += -fno-lto
TEST_CFLAGS ?= $(if $(filter -O3,$(CFLAGS)),-O1 -fno-lto)
$(tests_o): compile += $(TEST_CFLAGS)

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(compile) -MMD -MP -c -o $@ $<

-include $(shell find $(B)/src $(B)/tests $(B)/tools -type f -name '*.d' 2>/dev/null)

deps:
	tools/deps

# The status page in a browser, which is large and so not among what make check needs.
page:
	tools/deps browser
	$(MAKE) -s -j$(shell nproc) natbox $(B)/statehost
	tests/run browser

demo: deps
	$(MAKE) -s -j$(shell nproc) all
	tools/demo

check: deps
	$(MAKE) -s -j$(shell nproc) all unit tools
	tests/run

# Linphone and Jami, whose packages deps does not install: it says which are missing.
phones: deps
	$(MAKE) -s -j$(shell nproc) all
	tests/run phones

bench: deps
	$(MAKE) -s -j$(shell nproc) all tools
	tools/bench

asan: deps
	tests/run asan

# Every fuzzer that long; what one finds stays in build/fuzz.
FUZZ_SECONDS ?= 60
fuzz: deps
	$(MAKE) -s -j$(shell nproc) all tools
	FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run fuzz control

clean:
	rm -rf build natbox natboxctl

# Every key of natbox.ini, for the completion of -o.
keys = $(shell awk '/^\[[a-z]+\]$$/ { section = substr($$0, 2, length($$0) - 2) } /^\[.* / { section = "" } \
	section && /^\#?[a-z-]+ =/ { sub(/^\#/, ""); print section "." $$1 }' etc/natbox.ini)
share       := $(DESTDIR)$(PREFIX)/share
completions := $(share)/bash-completion/completions
examples    := $(share)/doc/natbox/examples
units       := $(DESTDIR)/lib/systemd/system

# Everything but the user and the directories, which systemd-sysusers and systemd-tmpfiles make of it.
install: all
	install -D -m 755 natbox $(DESTDIR)$(PREFIX)/sbin/natbox
	install -D -m 755 natboxctl $(DESTDIR)$(PREFIX)/sbin/natboxctl
	install -D -m 644 natboxctl.8 $(share)/man/man8/natboxctl.8
	install -D -m 644 natbox.8 $(share)/man/man8/natbox.8
	install -d $(share)/man/man5 $(completions) $(examples)
	echo .so man8/natbox.8 >$(share)/man/man5/natbox.ini.5
	sed 's/@KEYS@/$(keys)/' etc/natbox.bash >$(completions)/natbox
	chmod 644 $(share)/man/man5/natbox.ini.5 $(completions)/natbox
	install -m 644 etc/natboxctl.bash $(completions)/natboxctl
	install -m 644 etc/examples/*.ini etc/natbox.ini etc/natbox.rules.yml etc/grafana-natbox.json \
		$(examples)
	install -D -m 644 -t $(share)/doc/natbox README.md
	install -D -m 644 -t $(share)/doc/natbox/docs docs/[!H]*.md
	install -D -m 644 etc/natbox.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/natbox.conf
	install -D -m 644 etc/natbox.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/natbox.conf
	install -D -m 644 etc/natbox.service $(units)/natbox.service
	sed -i 's|/usr/sbin/|$(PREFIX)/sbin/|' $(units)/natbox.service
	test -e $(DESTDIR)/etc/logrotate.d/natbox || \
		install -D -m 644 etc/natbox.logrotate $(DESTDIR)/etc/logrotate.d/natbox
	test -e $(DESTDIR)/etc/natbox/natbox.ini || \
		install -D -m 644 etc/natbox.ini $(DESTDIR)/etc/natbox/natbox.ini

# All but the configuration, as of logrotate.
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/natbox $(DESTDIR)$(PREFIX)/sbin/natboxctl \
		$(share)/man/man8/natbox.8 $(share)/man/man8/natboxctl.8 $(share)/man/man5/natbox.ini.5 \
		$(completions)/natbox $(completions)/natboxctl $(units)/natbox.service $(DESTDIR)$(PREFIX)/lib/sysusers.d/natbox.conf \
		$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/natbox.conf
	rm -rf $(share)/doc/natbox

# Of the packages only what building takes, not what tests and the lab do.
deb:
	tools/deps build
	$(MAKE) -s -j$(shell nproc) all
	tools/deb

# The package in a Debian of its own that is booted with systemd, some minutes; and mode queue on Debian's
# kernel, some more.
vm: deps all
	tests/vm/run
	tests/vm/kernel
