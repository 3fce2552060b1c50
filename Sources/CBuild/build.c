#include "cbuild.h"

const char *cbuild_commit(void) { return ENVD_COMMIT; }
