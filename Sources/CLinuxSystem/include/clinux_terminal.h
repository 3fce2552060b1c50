#ifndef CLINUX_TERMINAL_H
#define CLINUX_TERMINAL_H

#include <stdint.h>

/// The slave of a pseudo-terminal's master, unlocked, close-on-exec; never becomes the controlling terminal
/// by being opened. Returns a descriptor or a negated errno; TIOCSPTLCK and TIOCGPTPEER, ioctl_tty(2).
int clinux_terminal_open_slave(int master);

/// Sets the size that programs in the terminal see. Returns 0 or an errno; TIOCSWINSZ, ioctl_tty(2).
int clinux_terminal_set_size(int terminal, uint16_t columns, uint16_t rows);

#endif
