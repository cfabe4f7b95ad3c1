#include <natbox/settings.h>

const char *const nat_test_names[NAT_TESTS] = {
	"via-source",
	"via-private",
	"contact-private",
	"contact-source",
	"contact-port",
	"sdp-private",
};

const char *const keepalive_method_names[] = {"NOTIFY", "OPTIONS", "CRLF", "ZERO"};

bool settings_exempt(const struct settings *settings, const struct address *address)
{
	for (unsigned i = 0; i < settings->nat.exempt_count; i++) {
		if (network_contains(&settings->nat.exempt[i], address))
			return true;
	}
	return false;
}
