/**
 * Output of programs that run side by side, shown one after the other: the first as it comes, of the others what was
 * kept once those before them have ended, and the rest as it comes.
 */
export class Turns {
  private readonly turns: Turn[] = [];

  constructor(private readonly show: (text: string) => void) {}

  /** A place behind those that are taken. */
  take(): Turn {
    const turn: Turn = {
      kept: '',
      ended: false,
      write: (text) => {
        if (this.turns[0] === turn) this.show(text);
        else turn.kept += text;
      },
      end: () => {
        turn.ended = true;
        this.advance();
      },
    };
    this.turns.push(turn);
    return turn;
  }

  private advance(): void {
    while (this.turns[0]?.ended) {
      this.turns.shift();
      const next = this.turns[0];
      if (next) this.show(next.kept);
    }
  }
}

export interface Turn {
  kept: string;
  ended: boolean;
  write(text: string): void;
  end(): void;
}
