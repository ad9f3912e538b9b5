// Says how far a bulk change is without the page being loaded anew; once it is in another state, the page is.
(() => {
  const told = document.getElementById("bulk-progress");
  const address = told && told.dataset.address;
  if (!address) return;
  const look = async () => {
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      if (answer.ok && !answer.redirected) {
        const { state, said } = await answer.json();
        if (state !== told.dataset.state) return location.assign(location.pathname);
        const words = told.firstElementChild;
        if (words.textContent !== said) words.textContent = said;
      }
    } catch {
      // Out of reach for now: the next look may succeed, and the link to refresh is there.
    }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
})();
