from siamese_client._gen.siamese.v1 import compare_pb2 as _compare_pb2
from siamese_client._gen.siamese.v1 import embed_pb2 as _embed_pb2
from siamese_client._gen.siamese.v1 import info_pb2 as _info_pb2
from siamese_client._gen.siamese.v1 import rank_pb2 as _rank_pb2
from siamese_client._gen.siamese.v1 import stream_pb2 as _stream_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
