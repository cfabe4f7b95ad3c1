#include <natbox/settings.h>

const char *const nat_test_names[NAT_TESTS] = {
	"via-source",
	"via-private",
	"contact-private",
	"contact-source",
	"contact-port",
	"sdp-private",
};

const char *const keepalive_method_names[] = {"NOTIFY", "OPTIONS", "CRLF", "ZERO", NULL};
