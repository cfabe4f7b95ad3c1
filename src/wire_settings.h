/* What of the configuration the wire has to know. */
#ifndef NATBOX_WIRE_SETTINGS_H
#define NATBOX_WIRE_SETTINGS_H

#include <natbox/ops.h>
#include <natbox/wire.h>

/* The way to the network that natbox.mode names. */
const struct wire_kind *wire_kind_of(const struct config *config);

/* All but whether anything is sent, which it is. config has to outlive *settings. */
void wire_settings_read(const struct config *config, struct wire_settings *settings);

#endif
