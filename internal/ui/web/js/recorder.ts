import { Box, called, has } from "./box";

// What browsers can make of a voice, the one that all of them play first.
const kinds: [type: string, end: string][] = [
  ["audio/mp4;codecs=mp4a.40.2", "m4a"],
  ["audio/mp4", "m4a"],
  ["audio/webm;codecs=opus", "weba"],
  ["audio/webm", "weba"],
  ["audio/ogg;codecs=opus", "ogg"],
];
const near = 30; // seconds before the end at which it is said

const kind = () => (globalThis.MediaRecorder ? kinds.find(([type]) => MediaRecorder.isTypeSupported(type)) : undefined);

// canRecord says whether there is a microphone, and something to record with.
export async function canRecord(): Promise<boolean> {
  return kind() !== undefined && (await has("audioinput"));
}

// record opens the box and gives what was recorded and kept.
export function record(template: HTMLTemplateElement, opener: HTMLElement, keep: (f: File) => void): void {
  const box = new Box(template, opener, close);
  const { dialog } = box;
  const most = Number(dialog.dataset.most);
  const time = box.part("time");
  const gone = box.part<HTMLProgressElement>("gone");
  const cells = Array.from(box.part("level").children);
  const heard = box.part<HTMLAudioElement>("heard");
  const [type, end] = kind()!;

  let stream: MediaStream | undefined;
  let sound: AudioContext | undefined;
  let tape: MediaRecorder | undefined;
  let pieces: Blob[] = [];
  let whole: Blob | undefined;
  let url = "";
  let before = 0; // milliseconds recorded before the last pause
  let since = 0;
  let beat = 0;
  let over = false;

  const elapsed = () => (before + (box.state === "going" ? performance.now() - since : 0)) / 1000;
  const clock = (s: number) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
  function show(s: number): void {
    const words = clock(s);
    if (time.textContent !== words) time.textContent = words;
    gone.value = s;
    dialog.classList.toggle("bientot", s >= most - near);
  }
  const light = (level: number) => cells.forEach((c, i) => c.classList.toggle("on", i < level));

  async function start(): Promise<void> {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 } });
    } catch {
      box.enter("refused");
      return;
    }
    if (over) return hush();
    sound ??= new AudioContext();
    const ear = sound.createAnalyser();
    ear.fftSize = 512;
    sound.createMediaStreamSource(stream).connect(ear);
    void sound.resume();
    pieces = [];
    whole = undefined;
    before = 0;
    tape = new MediaRecorder(stream, { mimeType: type, audioBitsPerSecond: 64_000 });
    tape.ondataavailable = (e) => {
      if (e.data.size > 0) pieces.push(e.data);
    };
    tape.onstop = finished;
    // A call that comes in, or a microphone that is pulled out, loses nothing.
    stream.getAudioTracks()[0]!.onended = stop;
    tape.start(1000);
    since = performance.now();
    box.enter("going");
    box.say("going");
    const wave = new Uint8Array(ear.fftSize);
    clearInterval(beat);
    beat = window.setInterval(() => {
      const s = elapsed();
      show(Math.min(s, most));
      if (box.state !== "going") return light(0);
      ear.getByteTimeDomainData(wave);
      let sum = 0;
      for (const v of wave) sum += ((v - 128) / 128) ** 2;
      light(Math.round(Math.min(1, Math.sqrt(sum / wave.length) * 4) * cells.length));
      if (s >= most) {
        stop();
        box.say("full");
      } else if (s >= most - near) box.say("near");
    }, 80);
  }

  function pause(): void {
    if (tape?.state !== "recording") return;
    before = elapsed() * 1000;
    tape.pause();
    box.enter("paused");
    box.say("paused");
  }

  function resume(): void {
    if (tape?.state !== "paused") return;
    tape.resume();
    since = performance.now();
    box.enter("going");
    box.say("going");
  }

  function stop(): void {
    if (!tape || tape.state === "inactive") return;
    before = elapsed() * 1000;
    tape.stop();
    hush();
  }

  // hush lets go of the microphone: the light of the device goes out.
  function hush(): void {
    clearInterval(beat);
    light(0);
    stream?.getTracks().forEach((t) => {
      t.onended = null;
      t.stop();
    });
    stream = undefined;
  }

  function finished(): void {
    if (over) return;
    if (pieces.length === 0) {
      again();
      return box.say("empty");
    }
    whole = new Blob(pieces, { type: type.split(";")[0] });
    URL.revokeObjectURL(url);
    heard.src = url = URL.createObjectURL(whole);
    const full = before / 1000 >= most - 1;
    box.enter("done");
    show(Math.min(before / 1000, most));
    box.say(full ? "full" : "done");
  }

  function again(): void {
    heard.pause();
    if (tape && tape.state !== "inactive") {
      tape.onstop = null;
      tape.stop();
    }
    hush();
    whole = undefined;
    show(0);
    box.enter("ready");
    box.say("");
  }

  const playing = (on: boolean) => {
    box.part("still").hidden = on;
    box.part("playing").hidden = !on;
  };
  heard.onplay = () => playing(true);
  heard.onpause = heard.onended = () => playing(false);
  heard.ontimeupdate = () => {
    if (box.state === "done") time.textContent = clock(heard.ended ? before / 1000 : heard.currentTime);
  };

  function close(): void {
    over = true;
    if (tape && tape.state !== "inactive") tape.stop();
    hush();
    heard.pause();
    URL.revokeObjectURL(url);
    void sound?.close();
  }

  box.leave = () => {
    if (box.state === "leaving") return false; // the question stands
    if (box.state === "ready" || box.state === "refused") return true;
    if (box.state === "going") pause();
    heard.pause();
    box.enter("leaving");
    return false;
  };
  box.on((what) => {
    switch (what) {
      case "start":
        return void start();
      case "pause":
        return pause();
      case "resume":
        return resume();
      case "stop":
        return stop();
      case "again":
        return again();
      case "play":
        return void (heard.paused ? heard.play() : heard.pause());
      case "stay":
        return box.back();
      case "drop":
        return dialog.close();
      case "keep":
        keep(new File([whole!], called(dialog.dataset.name!, end), { type: whole!.type }));
        dialog.close();
    }
  });
  box.enter("ready");
}
