// Reads an MP4 file with MP4Box.js and prints what it found, and everything it complained about.
const { readFileSync } = require("node:fs");
const { createFile, Log } = require("mp4box");

const complaints = [];
Log.warn = (module, words) => complaints.push(`${module}: ${words}`);
Log.error = Log.warn;
console.warn = console.error = (...words) => complaints.push(words.join(" "));

const found = { complaints, boxes: [], tracks: [] };
try {
  const file = createFile(true);
  file.onError = (module, words) => complaints.push(`${module}: ${words}`);
  const content = new Uint8Array(readFileSync(process.argv[2])).buffer;
  content.fileStart = 0;
  file.appendBuffer(content);
  file.flush();
  found.boxes = file.boxes.map((box) => [box.type, box.start, box.size]);
  for (const track of file.getInfo().tracks) {
    const samples = file.getTrackSamplesInfo(track.id).map((sample) => [
      sample.offset, sample.size, sample.dts, sample.cts, sample.duration, sample.is_sync,
    ]);
    const { type, codec, timescale, duration, movie_duration, movie_timescale, edits } = track;
    found.tracks.push({
      type, codec, timescale, duration, movie_duration, movie_timescale,
      edits: edits ?? [], samples,
    });
  }
} catch (error) {
  complaints.push(String(error));
}
process.stdout.write(JSON.stringify(found));
