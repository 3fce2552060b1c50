#define _GNU_SOURCE
#include "clinux_terminal.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

int clinux_terminal_open_slave(int master)
{
    int unlocked = 0;
    if (ioctl(master, TIOCSPTLCK, &unlocked) != 0) {
        return -errno;
    }
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return slave >= 0 ? slave : -errno;
}

int clinux_terminal_set_size(int terminal, uint16_t columns, uint16_t rows)
{
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(terminal, TIOCSWINSZ, &size) == 0 ? 0 : errno;
}
