/* natbox --rules: what an operator runs who installs the kernel rules by himself. */
#include "options.h"
#include "wire_settings.h"

#include <stdlib.h>

int rules_run(const struct config *config)
{
	static struct wire_settings settings;
	struct fault fault;

	wire_settings_read(config, &settings);
	if (wire_print_rules(&settings, stdout, &fault) == 0)
		return EXIT_SUCCESS;
	log_error("%s", fault.line);
	return EXIT_FAILURE;
}
