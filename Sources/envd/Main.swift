import EnvdDaemon
internal import Glibc

/// The program. Exit statuses: 0 after a shutdown that was asked for, 1 if the daemon cannot start, 2 for a
/// command line that it does not understand.
@main
enum Main {
    static func main() {
        Self.openStandardDescriptors()
        let arguments = Array(CommandLine.arguments.dropFirst())
        if let status = CredentialRole.run(arguments: arguments) { exit(status) }
        do throws(Options.Problem) {
            let options = try Options(arguments: arguments)
            if options.showsHelp {
                print(Options.usage, terminator: "")
            } else if options.showsVersion {
                print(Version.current)
            } else if options.showsCommit {
                print(Version.commit)
            } else {
                exit(Daemon.run(options))
            }
        } catch {
            StandardError.write("envd: \(error.message)\n\(Options.usage)")
            exit(2)
        }
    }

    /// Opens `/dev/null` where a standard descriptor is closed: whatever is opened next would get its number, and log
    /// lines would go there.
    private static func openStandardDescriptors() {
        for descriptor: CInt in 0...2 where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest number that is free is this one.
            _ = open("/dev/null", O_RDWR)
        }
    }
}
