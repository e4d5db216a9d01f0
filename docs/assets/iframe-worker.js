// A page that was opened from disk may start no Worker, and the search wants one: a hidden frame runs its script instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.waiting = [];
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inner = frame.contentWindow;
      inner.postMessage = undefined;
      this.start(inner, String(url));
    }

    async start(inner, url) {
      inner.importScripts = (...urls) => Promise.all(urls.map((one) => this.load(inner, one)));
      inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      await this.load(inner, url);
      this.inner = inner;
      this.waiting.forEach((data) => this.postMessage(data));
    }

    load(inner, url) {
      return new Promise((done, failed) => {
        const script = inner.document.createElement("script");
        script.src = new URL(url, location.href);
        script.onload = done;
        script.onerror = () => failed(new Error(`${url} cannot be loaded.`));
        inner.document.head.append(script);
      });
    }

    postMessage(data) {
      if (!this.inner) this.waiting.push(data);
      else this.inner.dispatchEvent(new MessageEvent("message", { data }));
    }

    terminate() {}
  };
}
