// The contract's own messages and services, for what the client's methods don't have.

export * from "./gen/siamese/v1/common_pb.js";
export * from "./gen/siamese/v1/compare_pb.js";
export * from "./gen/siamese/v1/embed_pb.js";
export * from "./gen/siamese/v1/gallery_pb.js";
export * from "./gen/siamese/v1/image_pb.js";
export * from "./gen/siamese/v1/info_pb.js";
export * from "./gen/siamese/v1/rank_pb.js";
export * from "./gen/siamese/v1/service_pb.js";
export * from "./gen/siamese/v1/stream_pb.js";
