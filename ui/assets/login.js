/* A page whose log-in has ended asks for it again instead of standing still. */
(function () {
  const ask = window.fetch;
  window.fetch = async function (...request) {
    const answer = await ask.apply(this, request);
    if (answer.status === 401) window.location.reload();
    return answer;
  };
})();
