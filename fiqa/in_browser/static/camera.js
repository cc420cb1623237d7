// A photo from the camera, in a dialog with what it sees.

const find = (id) => document.getElementById(id);

// Lets the button for the camera work where there is one; `take` gets each photo as a file, `fail` a sentence.
export function takePhotosFromCamera(take, fail) {
  if (!navigator.mediaDevices?.getUserMedia) return;
  const dialog = find("camera");
  const video = dialog.querySelector("video");
  const button = find("use-camera");
  button.hidden = false;
  button.addEventListener("click", () =>
    open(dialog, video).catch(() =>
      fail("There is no camera that may be used: allow it for this page, or choose a file."),
    ),
  );
  dialog.addEventListener("close", () => {
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
  });
  find("leave").addEventListener("click", () => dialog.close());
  find("take").addEventListener("click", async () => {
    const photo = await picture(video);
    dialog.close();
    take(photo);
  });
}

async function open(dialog, video) {
  video.srcObject = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "user", width: { ideal: 1280 } },
  });
  await video.play();
  dialog.showModal();
}

async function picture(video) {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new File([await canvas.convertToBlob({ type: "image/png" })], "camera.png");
}
