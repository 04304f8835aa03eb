//! temporary
use framegate_jpeg::*;
fn main() {
    let scale = match std::env::args().nth(1).unwrap().as_str() { "1" => Scale::Full, "2" => Scale::Half, "4" => Scale::Quarter, _ => Scale::Eighth };
    let rounds: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let jpegs: Vec<_> = std::env::args().skip(3).map(|f| std::fs::read(f).unwrap()).collect();
    let mut d = Decoder::new();
    let mut p = vec![];
    let mut best = vec![f64::MAX; jpegs.len()];
    for _ in 0..rounds { for (j, b) in jpegs.iter().zip(&mut best) {
        let t = std::time::Instant::now();
        d.decode(&Header::read(j).unwrap(), &Options { scale, ..Options::default() }, &mut p).unwrap();
        *b = b.min(t.elapsed().as_secs_f64() * 1e3);
    } }
    println!("{:.3}", best.iter().sum::<f64>() / best.len() as f64);
}
