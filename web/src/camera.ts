// The camera, its frames and a dialog that takes one.

import { button, element } from "./element";

/** Starts a camera. Throws an Error in words. */
export async function openCamera(): Promise<MediaStream> {
  if (!navigator.mediaDevices) {
    throw new Error("The browser gives cameras only to pages from localhost or by https: open this page as http://localhost.");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, facingMode: "environment" } });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    if (name === "NotAllowedError") throw new Error("The browser was not allowed to use the camera.");
    if (name === "NotFoundError") throw new Error("There is no camera.");
    throw new Error("The camera can't be used; perhaps another program has it.");
  }
}

/** Ends a camera. */
export function closeCamera(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** The video's present frame as a JPEG file, its shorter side no longer than the given number of pixels. */
export function frameOf(video: HTMLVideoElement, side: number): Promise<Blob> {
  const scale = Math.min(1, side / Math.min(video.videoWidth, video.videoHeight));
  const canvas = element("canvas", {
    width: Math.round(video.videoWidth * scale), height: Math.round(video.videoHeight * scale),
  });
  canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => blob ? resolve(blob) : reject(new Error("The camera gave no picture.")), "image/jpeg", 0.92);
  });
}

/** Shows the camera in a dialog; gives the frame that was taken, as frameOf does, or null. Throws as openCamera. */
export async function takeSnapshot(side: number): Promise<Blob | null> {
  const stream = await openCamera();
  const video = element("video", { autoplay: true, muted: true, playsInline: true, srcObject: stream, "aria-label": "Camera" });
  const dialog = element("dialog", { className: "snapshot", "aria-label": "Take a picture" });
  let taken: Promise<Blob> | null = null;
  const take = button("Take the picture", () => { taken = frameOf(video, side); dialog.close(); }, { className: "main", disabled: true });
  video.addEventListener("playing", () => { take.disabled = false; take.focus(); });
  dialog.append(video, element("div", { className: "row" }, take, button("Cancel", () => dialog.close())));
  document.body.append(dialog);
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  const frame = await taken;
  closeCamera(stream);
  dialog.remove();
  return frame;
}
