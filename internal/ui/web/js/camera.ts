import { Box, called, has } from "./box";

// A phone or a tablet opens its own camera; a computer shows what it sees.
const phone = () => matchMedia("(pointer: coarse)").matches;

// canPhotograph says whether there is a camera.
export async function canPhotograph(): Promise<boolean> {
  return has("videoinput");
}

// photograph gives the photo that was taken and kept.
export function photograph(template: HTMLTemplateElement, opener: HTMLElement, keep: (f: File) => void): void {
  if (phone()) {
    const input = document.createElement("input");
    input.type = "file";
    input.accept = "image/*";
    input.setAttribute("capture", "environment");
    input.addEventListener("change", () => Array.from(input.files ?? []).forEach(keep));
    input.click();
    return;
  }
  let stream: MediaStream | undefined;
  let over = false;
  const box = new Box(template, opener, () => {
    over = true;
    hush();
  });
  const video = box.part<HTMLVideoElement>("seen");
  const paper = box.part<HTMLCanvasElement>("taken");
  const hush = () => {
    stream?.getTracks().forEach((t) => t.stop());
    stream = undefined;
  };
  async function look(): Promise<void> {
    box.enter("ready");
    box.say("");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, height: { ideal: 1080 } } });
    } catch {
      return box.enter("refused");
    }
    if (over) return hush();
    video.srcObject = stream;
    await video.play();
  }
  box.on((what) => {
    switch (what) {
      case "start":
        if (!video.videoWidth) return; // nothing is seen yet
        paper.width = video.videoWidth;
        paper.height = video.videoHeight;
        paper.getContext("2d")!.drawImage(video, 0, 0);
        hush();
        box.enter("done");
        return box.say("done");
      case "again":
        return void look();
      case "keep":
        return paper.toBlob(
          (b) => {
            if (b) keep(new File([b], called(box.dialog.dataset.name!, "jpg"), { type: "image/jpeg" }));
            box.dialog.close();
          },
          "image/jpeg",
          0.92,
        );
    }
  });
  void look();
}
