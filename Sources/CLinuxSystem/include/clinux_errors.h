#ifndef CLINUX_ERRORS_H
#define CLINUX_ERRORS_H

/// What strerror says of an errno in the C locale, NULL if there is no such errno. Static;
/// strerrordesc_np(3).
const char *clinux_error_text(int error);

#endif
