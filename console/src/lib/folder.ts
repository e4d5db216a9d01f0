// Folders of a disk as one archive: the same names and contents give the same bytes, so that an upload can go on.

import { Refused, told } from "./api";
import type { Summed } from "./crc.worker";
import { crc32 } from "./crc32";
import type { Step } from "./upload";
import { zip, type Entry } from "./zip";

export type Member = { path: string; file: File };
export type Folder = { name: string; members: Member[] };

const LITTER = new Set(["__MACOSX", "Thumbs.db", "desktop.ini"]);
const IMAGE = /\.(png|jpe?g|webp|bmp|gif|tiff?|p[pgbn]m|avif|hei[cf]|hif|parquet)$/i;

/** What a field for folders holds. */
export function chosen(files: FileList): Folder {
  return named([...files].map((file) => ({ path: file.webkitRelativePath, file })));
}

/** The folders, and files beside them, that were dropped; nothing where no folder was. */
export async function dropped(items: DataTransferItemList): Promise<Folder | undefined> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (!entries.some(isFolder)) return undefined;
  const found: Member[] = [];
  try {
    for (const entry of entries) await collect(entry, found);
  } catch (error) {
    throw new Refused(told(`The browser cannot list the folder: ${String(error)}. Choose it with the button.`));
  }
  return named(found);
}

/** Reads each file once for its checksum; the archive itself is read while it is sent. */
export async function packed(folder: Folder, tell: (step: Step) => void): Promise<File> {
  const crcs = await sums(folder.members.map(({ file }) => file), tell);
  const entries: Entry[] = folder.members.map((member, place) => ({ ...member, crc: crcs[place] as number }));
  const digest = crc32(new TextEncoder().encode(JSON.stringify(entries.map(({ path, crc }) => [path, crc]))));
  return new File([zip(entries)], `${folder.name}.zip`, { lastModified: digest });
}

/** Without hidden files and what desktops leave behind; below the one folder that all are in. */
function named(all: Member[]): Folder {
  const wanted = all.filter(({ path }) => isWanted(path.split("/")));
  const roots = new Set(wanted.map(({ path }) => path.split("/")[0]));
  const name = [...roots][0] ?? "";
  if (!wanted.some(({ path }) => IMAGE.test(path))) throw new Refused(told(`There are no images in ${name || "this folder"}. It should hold a folder of images for each class, or images with annotations.`));
  const members = roots.size > 1 ? wanted : wanted.map(({ path, file }) => ({ path: path.slice(name.length + 1), file }));
  return { name, members: members.sort((a, b) => (a.path < b.path ? -1 : 1)) };
}

function isWanted([root = "", ...inner]: string[]): boolean {
  return (inner.length ? inner : [root]).every((part) => !part.startsWith(".") && !LITTER.has(part));
}

async function collect(entry: FileSystemEntry, found: Member[]): Promise<void> {
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    found.push({ path: entry.fullPath.slice(1), file });
  } else if (isFolder(entry)) {
    for (const inner of await listed(entry.createReader())) await collect(inner, found);
  }
}

/** A reader gives a hundred at a time, at last none. */
async function listed(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    found.push(...some);
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

async function sums(files: File[], tell: (step: Step) => void): Promise<Uint32Array> {
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const worker = new Worker(new URL("./crc.worker.ts", import.meta.url), { type: "module" });
  try {
    return await new Promise<Uint32Array>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Summed>) => {
        if ("read" in data) tell({ doing: "Reading", fraction: data.read / total });
        else if ("crcs" in data) resolve(data.crcs);
        else reject(new Refused(told(`The browser cannot read ${data.unreadable}: it changed or was moved. Choose the folder again.`)));
      };
      worker.onerror = (event) => reject(new Refused(told(`The folder could not be read: ${event.message}. Reload the page.`)));
      worker.postMessage(files);
    });
  } finally {
    worker.terminate();
  }
}
