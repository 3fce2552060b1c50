#ifndef CBUILD_H
#define CBUILD_H

/// The commit that was built, seven hexadecimal digits; empty if it was not said.
const char *cbuild_commit(void);

#endif
