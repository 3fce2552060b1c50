#ifndef CLINUX_SYSTEM_H
#define CLINUX_SYSTEM_H

#include "clinux_bell.h"
#include "clinux_bytes.h"
#include "clinux_descriptors.h"
#include "clinux_errors.h"
#include "clinux_files.h"
#include "clinux_identity.h"
#include "clinux_filesystem.h"
#include "clinux_netlink.h"
#include "clinux_process.h"
#include "clinux_random.h"
#include "clinux_signals.h"
#include "clinux_spawn.h"
#include "clinux_terminal.h"

#endif
