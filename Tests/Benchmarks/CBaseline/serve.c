#define _GNU_SOURCE
#include "CBaseline.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /// Bytes of one read at most.
    buffer_size = 256 * 1024,
};

static char buffer[buffer_size];

static bool write_all(int descriptor, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(descriptor, bytes, count);
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return false;
        }
        bytes += written;
        count -= (size_t)written;
    }
    return true;
}

/// Copies until the source ends.
static void copy(int source, int target)
{
    for (;;) {
        ssize_t count = read(source, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0 || !write_all(target, buffer, (size_t)count)) {
            return;
        }
    }
}

static int accept_connection(int listener)
{
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0) {
        _exit(1);
    }
    int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connection;
}

/// Forks a child that dies with its parent. Returns as fork does, or a negated errno.
static pid_t fork_server(void)
{
    pid_t process_id = fork();
    if (process_id == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
    }
    return process_id < 0 ? -errno : process_id;
}

pid_t cbaseline_serve_echo(int listener)
{
    pid_t process_id = fork_server();
    if (process_id != 0) {
        return process_id;
    }
    for (;;) {
        int connection = accept_connection(listener);
        copy(connection, connection);
        close(connection);
    }
}

static void relay(int connection, char *const arguments[], int pipe_size)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        _exit(1);
    }
    if (pipe_size > 0) {
        fcntl(ends[0], F_SETPIPE_SZ, pipe_size);
    }
    pid_t program = cbaseline_start(arguments, ends[1], -1);
    close(ends[1]);
    copy(ends[0], connection);
    close(ends[0]);
    if (program > 0) {
        cbaseline_wait(program);
    }
}

pid_t cbaseline_serve_relay(int listener, char *const arguments[], int pipe_size)
{
    pid_t process_id = fork_server();
    if (process_id != 0) {
        return process_id;
    }
    for (;;) {
        int connection = accept_connection(listener);
        char request;
        if (read(connection, &request, sizeof request) == sizeof request) {
            relay(connection, arguments, pipe_size);
        }
        close(connection);
    }
}

/// Receives `count` bytes into a new file of this name.
static bool receive_file(int connection, const char *path, uint64_t count)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) {
        return false;
    }
    bool is_whole = true;
    while (is_whole && count > 0) {
        ssize_t received = read(connection, buffer, count < sizeof buffer ? count : sizeof buffer);
        if (received < 0 && errno == EINTR) {
            continue;
        }
        is_whole = received > 0 && write_all(file, buffer, (size_t)received);
        count -= received > 0 ? (size_t)received : 0;
    }
    close(file);
    return is_whole;
}

pid_t cbaseline_serve_upload(int listener, const char *path)
{
    pid_t process_id = fork_server();
    if (process_id != 0) {
        return process_id;
    }
    for (;;) {
        int connection = accept_connection(listener);
        uint64_t count;
        while (recv(connection, &count, sizeof count, MSG_WAITALL) == sizeof count) {
            char answer = 0;
            if (!receive_file(connection, path, count)
                || write(connection, &answer, sizeof answer) != sizeof answer) {
                break;
            }
        }
        close(connection);
    }
}

/// Sends a file as it is.
static bool send_file(int connection, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    ssize_t sent;
    do {
        sent = sendfile(connection, file, NULL, 0x7ffff000);
    } while (sent > 0 || (sent < 0 && errno == EINTR));
    close(file);
    return sent == 0;
}

pid_t cbaseline_serve_file(int listener, const char *path)
{
    pid_t process_id = fork_server();
    if (process_id != 0) {
        return process_id;
    }
    for (;;) {
        int connection = accept_connection(listener);
        char request;
        while (read(connection, &request, sizeof request) == sizeof request && send_file(connection, path)) {
        }
        close(connection);
    }
}
