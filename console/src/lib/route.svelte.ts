// Where in the console a person is: the fragment of the address, so that reload, back and bookmarks work.

class Place {
  path = $state(read());

  constructor() {
    addEventListener("hashchange", () => {
      this.path = read();
      scrollTo(0, 0);
    });
  }

  /** The parts after #/, such as ["jobs", "job_..."]. */
  get parts(): string[] {
    return this.path.split("?")[0]?.split("/").filter(Boolean) ?? [];
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.path.split("?")[1] ?? "");
  }
}

function read(): string {
  return location.hash.replace(/^#\/?/, "");
}

export const place = new Place();

export function go(path: string): void {
  location.hash = `#/${path}`;
}
