// A tone for emergencies nobody has acknowledged. Browsers allow sound after the first key or click.
const KEPT = 'gridwhistle.sound', AGAIN_MS = 20000;
let context = null;

export const soundOn = () => localStorage.getItem(KEPT) !== 'off';
export const setSound = (on) => localStorage.setItem(KEPT, on ? 'on' : 'off');

export function chime() {
  if (!soundOn() || !(navigator.userActivation ? navigator.userActivation.hasBeenActive : true)) return;
  context = context || new AudioContext();
  [[880, 0], [660, 0.22], [880, 0.44]].forEach(([pitch, after]) => {
    const tone = context.createOscillator(), loud = context.createGain(), at = context.currentTime + after;
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0.18, at);
    loud.gain.exponentialRampToValueAtTime(0.001, at + 0.2);
    tone.connect(loud).connect(context.destination);
    tone.start(at);
    tone.stop(at + 0.2);
  });
}

// Sounds now and every twenty seconds until stopped.
export function keepSounding() {
  chime();
  const again = setInterval(chime, AGAIN_MS);
  return () => clearInterval(again);
}
