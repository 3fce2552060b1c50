import Glibc
import SystemPackage

/// The standard descriptors of a child, both sides.
///
/// The parent's ends are non-blocking, the child's are not.
struct SpawnChannels: ~Copyable {
    /// The child's ends. With a terminal the first is all three; nil is the null device.
    private let childInput: OwnedDescriptor?
    private let childOutput: OwnedDescriptor?
    private let childError: OwnedDescriptor?

    /// The parent's ends.
    var standardInput: OwnedDescriptor?
    var standardOutput: OwnedDescriptor?
    var standardError: OwnedDescriptor?
    var terminal: OwnedDescriptor?

    init(_ request: SpawnRequest) throws(SpawnFailure) {
        if let size = request.terminal {
            do throws(Errno) {
                try self.init(terminal: PseudoTerminal(size: size, owner: request.credentials))
            } catch {
                throw SpawnFailure(stage: .terminal, errno: error)
            }
        } else {
            do throws(Errno) {
                try self.init(pipesWithInput: request.standardInput)
                if let owner = request.credentials { self.give(to: owner) }
            } catch {
                throw SpawnFailure(stage: .pipe, errno: error)
            }
        }
    }

    /// What become the child's descriptors 0, 1 and 2.
    var childDescriptors: (CInt, CInt, CInt) {
        let input = self.childInput.rawValue ?? NullDevice.rawDescriptor
        return (input, self.childOutput.rawValue ?? input, self.childError.rawValue ?? input)
    }

    /// Gives the pipes to whom the child runs as, who could not open `/dev/stdout` and the like otherwise: that opens the pipe
    /// anew, and it is its maker's.
    private func give(to owner: Credentials) {
        for descriptor in [self.childInput.rawValue, self.childOutput.rawValue, self.childError.rawValue] {
            // Where it cannot be, as in some user namespaces, the pipe works all the same.
            if let descriptor { _ = fchown(descriptor, owner.uid, owner.gid) }
        }
    }

    private init(terminal: consuming PseudoTerminal) {
        self.childInput = consume terminal.slave
        self.childOutput = nil
        self.childError = nil
        self.terminal = consume terminal.master
    }

    private init(pipesWithInput input: SpawnRequest.StandardInput) throws(Errno) {
        let output = try Pipe()
        let error = try Pipe()
        try output.readEnd.setNonBlocking(true)
        try error.readEnd.setNonBlocking(true)
        switch input {
        case .null:
            try NullDevice.open()
            self.childInput = nil
            self.standardInput = nil
        case .pipe:
            let pipe = try Pipe()
            try pipe.writeEnd.setNonBlocking(true)
            self.childInput = consume pipe.readEnd
            self.standardInput = consume pipe.writeEnd
        }
        self.childOutput = consume output.writeEnd
        self.childError = consume error.writeEnd
        self.standardOutput = consume output.readEnd
        self.standardError = consume error.readEnd
    }
}

extension Optional where Wrapped == OwnedDescriptor {
    /// Borrows, where optional chaining would consume.
    fileprivate var rawValue: CInt? {
        switch self {
        case .some(let descriptor): descriptor.rawValue
        case .none: nil
        }
    }
}
