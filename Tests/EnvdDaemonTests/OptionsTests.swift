import EnvdDaemon
import Testing

@Suite struct OptionsTests {
    @Test func `without flags the daemon listens on the port of the protocol, everywhere`() throws {
        let options = try Options(arguments: [])
        #expect(options == Options())
        #expect(options.port == 49983)
        #expect(options.listen == "0.0.0.0")
        #expect(options.defaultUser == nil)
        #expect(options.usesCgroups)
        #expect(!options.isInsecure)
    }

    @Test(arguments: [
        ["-port", "1"], ["--port", "1"], ["-port=1"], ["--port=1"], ["--port", "2", "-port=1"],
    ])
    func `a value follows its flag or an equals sign, after one dash or two`(_ arguments: [String]) throws {
        #expect(try Options(arguments: arguments).port == 1)
    }

    @Test(arguments: ["-verbose", "--verbose", "-verbose=true", "--verbose=1", "--verbose=T"])
    func `a switch is on without a value`(_ argument: String) throws {
        #expect(try Options(arguments: [argument]).isVerbose)
    }

    @Test(arguments: ["-verbose=false", "--verbose=0", "--verbose=F"])
    func `a switch can be turned off with a value`(_ argument: String) throws {
        #expect(try !Options(arguments: ["--verbose", argument]).isVerbose)
    }

    @Test func `a switch does not take the next argument for its value`() throws {
        let problem = #expect(throws: Options.Problem.self) { try Options(arguments: ["-verbose", "false"]) }
        #expect(problem?.message == "unexpected argument: false")
    }

    @Test func `every flag is understood`() throws {
        let options = try Options(arguments: [
            "-isnotfc", "-version", "-commit", "--help", "--no-cgroups", "--cgroup-root", "/cg", "--listen",
            "::1",
            "--default-user", "ann", "--access-token-file=/run/token", "--insecure", "-port", "0", "-verbose",
            "--allowed-hosts", "a,b", "--allowed-origins=https://c",
        ])
        #expect(options.isNotFirecracker && options.showsVersion && options.showsCommit && options.showsHelp)
        #expect(options.isInsecure && options.isVerbose && !options.usesCgroups)
        #expect(options.cgroupRoot == "/cg")
        #expect(options.listen == "::1")
        #expect(options.defaultUser == "ann")
        #expect(options.accessTokenFile == "/run/token")
        #expect(options.port == 0)
        #expect(options.allowedHosts == AllowedNames("a,b"))
        #expect(options.allowedOrigins == AllowedNames("https://c"))
    }

    @Test func `the short flag for help is understood, and an empty cgroup root is the default one`() throws {
        #expect(try Options(arguments: ["-h"]).showsHelp)
        #expect(try Options(arguments: ["--cgroup-root="]).cgroupRoot == "/sys/fs/cgroup")
    }

    @Test func `a value may contain an equals sign and begin with a dash`() throws {
        #expect(try Options(arguments: ["--access-token-file=/a=b"]).accessTokenFile == "/a=b")
        #expect(try Options(arguments: ["--access-token-file", "-a"]).accessTokenFile == "-a")
    }

    @Test(arguments: [
        (["--nonsense"], "flag provided but not defined: -nonsense"),
        (["-port"], "flag needs an argument: -port"),
        (["--port", "abc"], "invalid value \"abc\" for flag -port"),
        (["--port", ""], "invalid value \"\" for flag -port"),
        (["--port=-1"], "invalid value \"-1\" for flag -port"),
        (["--port=65536"], "invalid value \"65536\" for flag -port"),
        (["--verbose=maybe"], "invalid value \"maybe\" for flag -verbose"),
        (["--listen=example.com"], "invalid value \"example.com\" for flag -listen"),
        (["--allowed-hosts="], "invalid value \"\" for flag -allowed-hosts"),
        (["--allowed-origins=a,"], "invalid value \"a,\" for flag -allowed-origins"),
        (["--default-user="], "invalid value \"\" for flag -default-user"),
        (["--access-token-file="], "invalid value \"\" for flag -access-token-file"),
        (["start"], "unexpected argument: start"),
        (["-"], "unexpected argument: -"),
        (["--"], "unexpected argument: --"),
        (["---port=1"], "bad flag syntax: ---port=1"),
        (["--=1"], "flag provided but not defined: -"),
        ([""], "unexpected argument: "),
    ])
    func `a command line that is not understood is refused with one line`(
        _ arguments: [String], _ message: String
    ) {
        let problem = #expect(throws: Options.Problem.self) { try Options(arguments: arguments) }
        #expect(problem?.message == message)
    }

    @Test func `the usage names every flag`() {
        let usage = Options.usage
        for name in [
            "port", "listen", "version", "commit", "verbose", "isnotfc", "no-cgroups", "cgroup-root",
            "default-user", "access-token-file", "insecure", "allowed-hosts", "allowed-origins",
            "resume-handover",
            "help",
        ] {
            #expect(usage.contains("  --\(name)"))
        }
        #expect(usage.hasSuffix("\n"))
    }
}
