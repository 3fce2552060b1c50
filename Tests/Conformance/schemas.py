"""The messages and stubs of the .proto files, compiled when this is imported."""

import importlib.resources
import pathlib
import sys
import tempfile

from grpc_tools import protoc

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent

# What grpc-status-details-bin holds; the only part of google.rpc that is needed.
STATUS = """
syntax = "proto3";
package google.rpc;
import "google/protobuf/any.proto";
message Status { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }
"""

with tempfile.TemporaryDirectory(prefix="envd-schemas-") as name:
    pathlib.Path(name, "rpc_status.proto").write_text(STATUS)
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    includes = [name, HERE, ROOT / "proto", well_known]
    files = ["rpc_status.proto", "conformance.proto", "process/process.proto", "filesystem/filesystem.proto"]
    options = [*(f"-I{directory}" for directory in includes), f"--python_out={name}", f"--grpc_python_out={name}"]
    assert protoc.main(["protoc", *options, *files]) == 0, "the .proto files do not compile"
    sys.path.insert(0, name)
    import conformance_pb2 as pb
    import conformance_pb2_grpc as stubs
    import process.process_pb2 as process_pb
    import process.process_pb2_grpc as process_stubs
    from rpc_status_pb2 import Status

    sys.path.remove(name)

__all__ = ["Status", "pb", "process_pb", "process_stubs", "stubs"]
